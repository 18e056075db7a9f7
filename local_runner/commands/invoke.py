"""`invoke`: call one function with an HTTP API event."""

import json
import sys
from pathlib import Path
from typing import Any

from local_runner import backend, functions, template
from local_runner.commands import Arguments, Subparsers, UsageError, loading_models
from local_runner.local_key import DEFAULT_KEY


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("invoke", help="call one function with an event")
    parser.add_argument("function", help="name in template.yaml, such as FaceDeIdFunction")
    parser.add_argument(
        "--event", type=Path, required=True, metavar="FILE", help="JSON event; - for standard input"
    )
    parser.set_defaults(command=_invoke)


@loading_models()
def _invoke(arguments: Arguments) -> None:
    commands = {function.name: function.command for function in template.read()}
    if arguments.function not in commands:
        raise UsageError(f"no function {arguments.function!r}; there are: {', '.join(commands)}")
    event = _read_event(arguments.event)
    local_key = arguments.runner.local_key
    app = backend.build(arguments.settings, DEFAULT_KEY if local_key is None else local_key)
    app.catalogue.check_present(app.settings.models_dir)
    handler = functions.load(commands[arguments.function])
    context = functions.Context(arguments.function, functions.new_request_id())
    json.dump(handler(event, context, app), sys.stdout)
    print()


def _read_event(path: Path) -> dict[str, Any]:
    """Return the event in a file, or on standard input for `-`.

    Raises:
        UsageError: the file cannot be read, or is not an event of an HTTP API.

    """
    try:
        event = json.loads(sys.stdin.read() if str(path) == "-" else path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
    if not isinstance(event, dict) or "requestContext" not in event:
        raise UsageError(f"{path}: is not an HTTP API event (payload format 2.0)")
    return event
