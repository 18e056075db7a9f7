"""The command that cleans up once, as the schedule of the cloud does every hour; for cron."""

import argparse
import sys

from local_runner.settings import RunnerSettings
from shared.config import Settings

_FUNCTION = "CleanUpFunction"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `clean-up` to the command line."""
    parser = commands.add_parser(
        "clean-up", help="remove what deleted groups, ended calls and old files left, once and now"
    )
    parser.set_defaults(command=_clean_up)


def _clean_up(_arguments: argparse.Namespace, settings: Settings, _runner: RunnerSettings) -> int:
    from local_runner import functions, template
    from shared.app import App

    (command,) = (f.command for f in template.read() if f.name == _FUNCTION)
    context = functions.Context(_FUNCTION, functions.new_request_id())
    event = {"id": context.aws_request_id, "source": "aws.events"}
    try:
        report = functions.load(command)(event, context, App(settings))
    except RuntimeError as error:
        print(f"error: {error}; the lines above say why", file=sys.stderr)
        return 1
    _show(report)
    return 0


def _show(report: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("what", title="removed", title_justify="left")
    table.add_column("how many", justify="right")
    for name, count in report.items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    Console().print(table)
