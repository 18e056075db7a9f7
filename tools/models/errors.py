"""Errors of preparing models."""


class ModelsError(Exception):
    """A model cannot be prepared; the message gives the reason and what to do."""
