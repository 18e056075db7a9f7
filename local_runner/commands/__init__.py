"""The subcommands of `python -m local_runner`, one module each.

Each module has `add_parser`, which declares the options and sets the function that carries the
command out.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from local_runner.settings import RunnerSettings
from shared.config import Settings

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Arguments(argparse.Namespace):
    """The options of a call, with the settings of the service and of the runner."""

    command: Callable[["Arguments"], None]
    settings: Settings
    runner: RunnerSettings


class UsageError(Exception):
    """The call is wrong: its arguments, or a setting. The exit status is 2."""


class CommandError(Exception):
    """The command was carried out, and something failed. The exit status is 1."""


@contextmanager
def loading_models() -> Iterator[None]:
    """Report models that cannot be loaded.

    Raises:
        CommandError: a model, or the execution provider of the settings, is not available.

    """
    from shared.vision.session import ProviderUnavailableError
    from shared.vision.weights import WeightsError

    try:
        yield
    except (ProviderUnavailableError, WeightsError) as error:
        raise CommandError(str(error)) from error
