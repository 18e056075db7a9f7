"""What the functions share: rules, and the adapters that do the work."""
