"""Search for the nearest vectors of a group."""
