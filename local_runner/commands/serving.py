"""`run`, `serve` and `work`: the commands that run until they are stopped."""

import argparse
from collections.abc import Callable
from dataclasses import fields

from local_runner.commands import Arguments, Subparsers, loading_models
from local_runner.settings import RunnerSettings
from shared.config import as_text


def add_parser(subparsers: Subparsers) -> None:
    """Add the three commands."""
    _add(subparsers, "run", _run, "start a server for development")
    _add(subparsers, "serve", _serve, "start a server for production, with gunicorn")
    work = _add(subparsers, "work", _work, "process events only, without a server")
    work.add_argument(
        "--with-parent",
        action="store_true",
        help="stop when standard input ends instead of on Ctrl-C; for a parent process",
    )


def _add(
    subparsers: Subparsers, name: str, command: Callable[[Arguments], None], text: str
) -> argparse.ArgumentParser:
    settings = "\n".join(
        f"  {field.name.upper():18}{field.metadata['help']}"
        f" (default: {as_text(field.default) or 'none'})"
        for field in fields(RunnerSettings)
    )
    parser = subparsers.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"environment variables:\n{settings}\n  and those of docs/settings.md",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    return parser


def _run(arguments: Arguments) -> None:
    from local_runner import server

    with loading_models():
        server.run(arguments.settings, arguments.runner)


def _serve(arguments: Arguments) -> None:
    from local_runner import server

    server.serve(arguments.settings, arguments.runner)


def _work(arguments: Arguments) -> None:
    from local_runner import template, worker

    worker.run(
        arguments.settings, arguments.runner, template.read(), with_parent=arguments.with_parent
    )
