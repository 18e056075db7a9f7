"""What can go wrong while resources are made."""


class ProvisionError(Exception):
    """A resource cannot be made; the message says which, and why."""


class LeftOutError(ProvisionError):
    """A value depends on a resource that is not made here, such as a function."""
