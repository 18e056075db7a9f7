"""What can go wrong while models are prepared."""


class ModelsError(Exception):
    """A model cannot be prepared; the message says why and what to do."""
