"""State: adapters of the storage ports."""
