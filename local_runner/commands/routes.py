"""`routes`: list every route of the template and its function."""

from local_runner import template
from local_runner.commands import Arguments, Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("routes", help="list every route and its function")
    parser.set_defaults(command=_list)


def _list(_arguments: Arguments) -> None:
    rows = [
        (route.method, route.path, function.name, function.command)
        for function in template.read()
        for route in function.routes
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(*map(str.ljust, row, widths), sep="  ")
