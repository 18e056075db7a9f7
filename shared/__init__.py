"""What the functions share: rules, and the adapters that do the work."""

VERSION = "0.1.0"
