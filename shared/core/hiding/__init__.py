"""Which faces of a photo are hidden, and how."""
