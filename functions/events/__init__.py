"""What answers events instead of callers."""
