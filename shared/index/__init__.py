"""Finding the nearest vectors of a group."""
