"""Image files, and the networks that detect, describe and hide faces."""
