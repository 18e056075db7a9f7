"""The command line: `python -m local_runner --help`."""

import argparse
import json
import sys
from pathlib import Path

from local_runner import keys, persons
from shared import log
from shared.config import RunnerSettings, SettingError, Settings


def main() -> int:
    """Run one command; return its exit status."""
    arguments = _parser().parse_args()
    try:
        settings = Settings.from_environment()
        runner = RunnerSettings.from_environment()
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    log.configure(settings.log_level)
    status: int = arguments.command(arguments, settings, runner)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_runner", description="Runs the functions of template.yaml here."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="serve for development (PORT, HOST, DATA_DIR, LOCAL_KEY)")
    run.set_defaults(command=_run)

    serve = commands.add_parser("serve", help="serve for real, with gunicorn (WORKERS, THREADS)")
    serve.set_defaults(command=_serve)

    routes = commands.add_parser("routes", help="list every route and its function")
    routes.set_defaults(command=_routes)

    invoke = commands.add_parser("invoke", help="call one function with an event")
    invoke.add_argument("function", help="its name in template.yaml, as FaceDeIdFunction")
    invoke.add_argument(
        "--event", type=Path, required=True, metavar="FILE", help="JSON event; - for standard input"
    )
    invoke.set_defaults(command=_invoke)

    deidentify = commands.add_parser(
        "deidentify", help="hide the faces of photos, without a server"
    )
    deidentify.add_argument("source", type=Path, metavar="FILE_OR_FOLDER")
    deidentify.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    deidentify.add_argument("--method", default="veil", help="veil (default), solid, mosaic, blur")
    deidentify.add_argument("--min-face", type=int, default=0, metavar="PIXELS")
    deidentify.add_argument("--threshold", type=float, metavar="0..1")
    deidentify.add_argument("--draw", action="store_true", help="draw a rectangle on each face")
    deidentify.add_argument("--jobs", type=int, default=0, help="photos at a time (default: cores)")
    deidentify.set_defaults(command=_deidentify)

    keys.add_commands(commands)
    persons.add_commands(commands)
    return parser


def _run(_arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
    from local_runner import server

    server.run(settings, runner)
    return 0


def _serve(_arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
    from local_runner import server

    server.serve(settings, runner)
    return 0


def _routes(_arguments: argparse.Namespace, _settings: Settings, _runner: RunnerSettings) -> int:
    from rich.console import Console
    from rich.table import Table

    from local_runner import template

    table = Table("method", "path", "function", "handler")
    for function in template.read():
        for route in function.routes:
            table.add_row(route.method, route.path, function.name, function.command)
    Console().print(table)
    return 0


def _invoke(arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
    from local_runner import backend, functions, template
    from local_runner.local_key import DEFAULT_KEY

    commands = {function.name: function.command for function in template.read()}
    if arguments.function not in commands:
        print(f"error: no function {arguments.function!r}; there are:", *commands, file=sys.stderr)
        return 2
    source = sys.stdin if str(arguments.event) == "-" else arguments.event.open(encoding="utf-8")
    with source:
        event = json.load(source)
    handler = functions.load(commands[arguments.function])
    context = functions.Context(arguments.function, functions.new_request_id())
    local_key = DEFAULT_KEY if runner.local_key is None else runner.local_key
    json.dump(handler(event, context, backend.build(settings, local_key)), sys.stdout)
    print()
    return 0


def _deidentify(arguments: argparse.Namespace, settings: Settings, _runner: RunnerSettings) -> int:
    from local_runner import deidentify
    from shared.core.deidentify import HideOptions
    from shared.core.models import HideMethod

    try:
        options = HideOptions(
            method=HideMethod(arguments.method),
            min_face=arguments.min_face,
            threshold=arguments.threshold,
            draw=arguments.draw,
        )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return deidentify.run(settings, arguments.source, arguments.output, options, arguments.jobs)


if __name__ == "__main__":
    sys.exit(main())
