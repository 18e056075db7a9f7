"""The command that gives a local deployment another master key."""

import argparse
import sys

from local_runner.settings import RunnerSettings
from shared.config import SettingError, Settings


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `rotate-master-key` to the command line."""
    parser = commands.add_parser(
        "rotate-master-key",
        help="wrap the keys of all vectors with a new master key; stop the server first",
    )
    parser.set_defaults(command=_rotate)


def _rotate(_arguments: argparse.Namespace, settings: Settings, _runner: RunnerSettings) -> int:
    from shared.core.errors import SealError, StoreUnavailableError
    from shared.storage.local import master_key

    if settings.backend != "local":
        return _refuse("with BACKEND=aws the master key lies in KMS, which rotates it itself")
    try:
        count = master_key.rotate(settings.data_dir)
    except StoreUnavailableError:
        return _refuse("the database is in use: stop the server and its workers first")
    except SealError:
        return _refuse("a data key is wrapped with another master key than that of this folder")
    except SettingError as error:
        return _refuse(str(error))
    print(f"data keys wrapped with the new master key: {count}")
    return 0


def _refuse(reason: str) -> int:
    print(f"error: {reason}; nothing was changed", file=sys.stderr)
    return 1
