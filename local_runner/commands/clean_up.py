"""`clean-up`: run the scheduled clean-up once, now; for cron."""

from rich.console import Console
from rich.table import Table

from local_runner import functions, template
from local_runner.commands import Arguments, CommandError, Subparsers
from shared.app import App

_FUNCTION = "CleanUpFunction"


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "clean-up", help="remove the remains of deleted groups and ended calls, and old files"
    )
    parser.set_defaults(command=_clean_up)


def _clean_up(arguments: Arguments) -> None:
    (command,) = (f.command for f in template.read() if f.name == _FUNCTION)
    context = functions.Context(_FUNCTION, functions.new_request_id())
    event = {"id": context.aws_request_id, "source": "aws.events"}
    try:
        report = functions.load(command)(event, context, App(arguments.settings))
    except RuntimeError as error:
        raise CommandError(f"{error}; the log lines above show the cause") from error
    table = Table("what", title="removed", title_justify="left")
    table.add_column("count", justify="right")
    for name, count in report.items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    Console().print(table)
