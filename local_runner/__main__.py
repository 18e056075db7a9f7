"""The command line: `python -m local_runner --help`, or `face-functions --help` once installed."""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from local_runner import cleanup, keys, local_key, master_key, persons
from local_runner.settings import RunnerSettings
from shared import log
from shared.config import SettingError, Settings
from shared.core.errors import InvalidParameterError
from shared.core.hiding import selection
from shared.core.hiding.ports import HideMethod
from shared.core.hiding.selection import Mode, Selection

Command = Callable[[argparse.Namespace, Settings, RunnerSettings], int]

_FAILED = 1
_MISUSED = 2
_INTERRUPTED = 130  # as a shell reports a program that SIGINT ended


def main() -> int:
    """Run one command; return its exit status."""
    arguments = _parser().parse_args()
    try:
        settings = Settings.from_environment()
        runner = RunnerSettings.from_environment()
    except SettingError as error:
        return _refuse(error, _MISUSED)
    log.configure(settings.log_level)
    try:
        status: int = arguments.command(arguments, settings, runner)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(), description="Runs the functions of template.yaml here."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="serve for development (PORT, HOST, DATA_DIR, LOCAL_KEY)")
    run.set_defaults(command=_with_models(_run))

    serve = commands.add_parser("serve", help="serve for real, with gunicorn (WORKERS, THREADS)")
    serve.set_defaults(command=_serve)

    work = commands.add_parser("work", help="fire events alone, as run and serve do (TRIGGERS)")
    work.add_argument(
        "--with-parent", action="store_true", help="end when standard input does, not on Ctrl-C"
    )
    work.set_defaults(command=_work)

    routes = commands.add_parser("routes", help="list every route and its function")
    routes.set_defaults(command=_routes)

    invoke = commands.add_parser("invoke", help="call one function with an event")
    invoke.add_argument("function", help="its name in template.yaml, as FaceDeIdFunction")
    invoke.add_argument(
        "--event", type=Path, required=True, metavar="FILE", help="JSON event; - for standard input"
    )
    invoke.set_defaults(command=_with_models(_invoke))

    deidentify = commands.add_parser(
        "deidentify", help="hide the faces of photos, without a server"
    )
    deidentify.add_argument("source", type=Path, metavar="FILE_OR_FOLDER")
    deidentify.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT",
        help="the file to write, or the folder to write into",
    )  # fmt: skip
    deidentify.add_argument(
        "--method", choices=[str(method) for method in HideMethod], default=str(HideMethod.VEIL),
        help="how faces are hidden (default: %(default)s)",
    )  # fmt: skip
    deidentify.add_argument(
        "--min-face", type=_whole, default=0, metavar="PIXELS",
        help="leave faces alone whose shorter side is less (default: %(default)s)",
    )  # fmt: skip
    deidentify.add_argument(
        "--threshold", type=_ratio, metavar="0..1",
        help="the least confidence of a face (default: the detector's own)",
    )  # fmt: skip
    deidentify.add_argument("--draw", action="store_true", help="draw a rectangle on each face")
    people = deidentify.add_mutually_exclusive_group()
    people.add_argument(
        "--keep", dest="people", type=partial(_people, Mode.KEEP), metavar="GROUP",
        help="hide everyone except the people of this group",
    )  # fmt: skip
    people.add_argument(
        "--only", dest="people", type=partial(_people, Mode.ONLY), metavar="GROUP",
        help="hide nobody except the people of this group",
    )  # fmt: skip
    deidentify.add_argument(
        "--tenant", default=local_key.TENANT, help="whose group it is (default: %(default)s)"
    )
    deidentify.add_argument(
        "--jobs", type=_whole, default=0, metavar="N", help="photos at a time (default: cores)"
    )
    deidentify.set_defaults(command=_with_models(_deidentify))

    keys.add_commands(commands)
    persons.add_commands(commands)
    cleanup.add_command(commands)
    master_key.add_command(commands)
    return parser


def _program() -> str:
    """Return how this was called: by the command that pip installs, or as a module."""
    called = Path(sys.argv[0]).name
    return "python -m local_runner" if called == "__main__.py" else called


def _with_models(command: Command) -> Command:
    """Return a command that says plainly why the models could not be loaded."""

    def run(arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
        from shared.vision.session import ProviderUnavailableError
        from shared.vision.weights import WeightsError

        try:
            return command(arguments, settings, runner)
        except (ProviderUnavailableError, WeightsError) as error:
            return _refuse(error, _FAILED)

    return run


def _refuse(reason: object, status: int) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return status


def _run(_arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
    from local_runner import server

    server.run(settings, runner)
    return 0


def _serve(_arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
    from local_runner import server

    return server.serve(settings, runner)


def _work(arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
    from local_runner import template, worker

    worker.run(settings, runner, template.read(), with_parent=arguments.with_parent)
    return 0


def _routes(_arguments: argparse.Namespace, _settings: Settings, _runner: RunnerSettings) -> int:
    from local_runner import template

    rows = [
        (route.method, route.path, function.name, function.command)
        for function in template.read()
        for route in function.routes
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(*map(str.ljust, row, widths), sep="  ")
    return 0


def _invoke(arguments: argparse.Namespace, settings: Settings, runner: RunnerSettings) -> int:
    from local_runner import backend, functions, template
    from local_runner.local_key import DEFAULT_KEY

    commands = {function.name: function.command for function in template.read()}
    if arguments.function not in commands:
        names = ", ".join(commands)
        return _refuse(f"no function {arguments.function!r}; there are: {names}", _MISUSED)
    try:
        event = _read_event(arguments.event)
    except (OSError, ValueError) as error:
        return _refuse(f"{arguments.event}: {error}", _MISUSED)
    local_key = DEFAULT_KEY if runner.local_key is None else runner.local_key
    app = backend.build(settings, local_key)
    app.catalogue.check_present(settings.models_dir)
    handler = functions.load(commands[arguments.function])
    context = functions.Context(arguments.function, functions.new_request_id())
    json.dump(handler(event, context, app), sys.stdout)
    print()
    return 0


def _read_event(path: Path) -> dict[str, Any]:
    """Return the event in a file, or on standard input for `-`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no event of an HTTP API.

    """
    text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    event = json.loads(text)
    if not isinstance(event, dict) or "requestContext" not in event:
        raise ValueError("is no event of an HTTP API (payload format 2.0)")
    return event


def _deidentify(arguments: argparse.Namespace, settings: Settings, _runner: RunnerSettings) -> int:
    from local_runner import deidentify
    from shared.core.hiding.hide_options import HideOptions

    options = HideOptions(
        method=HideMethod(arguments.method),
        min_face=arguments.min_face,
        threshold=arguments.threshold,
        draw=arguments.draw,
        people=arguments.people,
    )
    return deidentify.run(
        settings, arguments.source, arguments.output, options,
        tenant=arguments.tenant, jobs=arguments.jobs,
    )  # fmt: skip


def _people(mode: Mode, group_id: str) -> Selection:
    try:
        return selection.parse(mode, {"group": group_id})
    except InvalidParameterError as error:
        raise argparse.ArgumentTypeError(f"{group_id!r} {error.reason}") from None


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _ratio(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 0 and 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
