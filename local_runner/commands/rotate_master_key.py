"""`rotate-master-key`: wrap the data keys of a local deployment with a new master key."""

from local_runner.commands import Arguments, CommandError, Subparsers, UsageError
from shared.core.errors import SealError, StoreUnavailableError
from shared.storage.local import master_key


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "rotate-master-key",
        help="encrypt all data keys with a new master key; stop the server first",
    )
    parser.set_defaults(command=_rotate)


def _rotate(arguments: Arguments) -> None:
    settings = arguments.settings
    if settings.backend != "local":
        raise UsageError("with BACKEND=aws the master key is in KMS, which rotates it itself")
    try:
        count = master_key.rotate(settings.data_dir)
    except StoreUnavailableError as error:
        reason = "the database is in use: stop the server and its workers first"
        raise CommandError(f"{reason}; nothing was changed") from error
    except SealError as error:
        reason = "a data key was encrypted with a different master key"
        raise CommandError(f"{reason}; nothing was changed") from error
    print(f"data keys encrypted with the new master key: {count}")
