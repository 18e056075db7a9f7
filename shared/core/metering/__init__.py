"""API keys, and what their calls may do and have done."""
