"""The command line: `python -m local_runner --help`, or `face-functions --help` once installed."""

import argparse
import sys
from pathlib import Path

from local_runner.commands import (
    Arguments,
    CommandError,
    UsageError,
    clean_up,
    deidentify,
    invoke,
    keys,
    persons,
    rotate_master_key,
    routes,
    serving,
)
from local_runner.settings import RunnerSettings
from shared import log
from shared.config import SettingError, Settings
from shared.core.metering.keyring import KeyNameError

_COMMANDS = (serving, routes, invoke, deidentify, keys, persons, clean_up, rotate_master_key)

_FAILED = 1
_MISUSED = 2  # argparse's own exit status, too
_INTERRUPTED = 130  # the exit status that shells report for SIGINT


def main() -> int:
    """Run one command; return its exit status."""
    arguments = _parser().parse_args(namespace=Arguments())
    try:
        arguments.settings = Settings.from_environment()
        arguments.runner = RunnerSettings.from_environment()
        log.configure(arguments.settings.log_level)
        arguments.command(arguments)
    except (UsageError, SettingError, KeyNameError) as error:
        return _refuse(error, _MISUSED)
    except CommandError as error:
        return _refuse(error, _FAILED)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(),
        description="Runs the functions of template.yaml on this machine.",
        epilog="Settings are environment variables; docs/settings.md lists them.",
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(subparsers)
    return parser


def _program() -> str:
    """Return how this was called: by the command that pip installs, or as a module."""
    called = Path(sys.argv[0]).name
    return "python -m local_runner" if called == "__main__.py" else called


def _refuse(reason: Exception, status: int) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
