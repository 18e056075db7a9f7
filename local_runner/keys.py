"""The commands `keys` and `usage`: what an operator does with API keys, on either backend."""

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from local_runner import key_tables, limit_options
from local_runner.settings import RunnerSettings
from shared.app import App
from shared.config import SettingError, Settings
from shared.core.metering import access, keyring
from shared.core.metering.keyring import KeyNameError
from shared.core.metering.limits import parse_duration
from shared.core.metering.models import KeyStatus

Commands = Any  # argparse names the type of its subparsers in private
Action = Callable[[argparse.Namespace, App], None]

_MAX_NAME_LENGTH = 100
_FAILED = 2


def add_commands(commands: Commands) -> None:
    """Add both commands to the command line."""
    keys = commands.add_parser("keys", help="make, limit, block, rotate and delete API keys")
    actions = keys.add_subparsers(required=True, metavar="ACTION")

    create = _add(actions, "create", _create, "make a key and show its text, this once")
    create.add_argument("name", type=limit_options.argument(_name))
    create.add_argument(
        "--tenant", required=True, type=limit_options.argument(_name), help="whose groups it opens"
    )
    limit_options.add_options(create)

    _add(actions, "list", _list, "list every key")
    _add_key(_add(actions, "show", _show, "show a key, its limits and its calls"))

    limit = _add(actions, "limit", _limit, "change the limits that are given, and leave the others")
    _add_key(limit)
    limit_options.add_options(limit)

    _add_key(_add(actions, "block", _block, "refuse all calls of a key"))
    _add_key(_add(actions, "unblock", _unblock, "let a key call again"))

    rotate = _add(actions, "rotate", _rotate, "give a key a new text, and show it this once")
    _add_key(rotate)
    rotate.add_argument(
        "--overlap", type=limit_options.argument(parse_duration), default=0, metavar="TIME",
        help="how long the old text is good beside the new one, as 7d (default: not at all)",
    )  # fmt: skip

    delete = _add(actions, "delete", _delete, "forget a key and its calls")
    _add_key(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")

    log = _add(actions, "log", _log, "show what was done to keys, by whom and when")
    log.add_argument("key", nargs="?", metavar="KEY", help="only to the key of this id or name")

    usage = _add(commands, "usage", _usage, "show the calls of keys")
    usage.add_argument("key", nargs="?", metavar="KEY", help="only of the key of this id or name")
    usage.add_argument(
        "--by", choices=tuple(key_tables.PERIODS), help="all that is kept, not only the present"
    )


def _add(commands: Commands, name: str, action: Action, text: str) -> argparse.ArgumentParser:
    def command(arguments: argparse.Namespace, settings: Settings, _runner: RunnerSettings) -> int:
        try:
            action(arguments, App(settings))
        except (KeyNameError, SettingError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return _FAILED
        return 0

    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(command=command)
    return parser


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="its id or its name")


def _create(arguments: argparse.Namespace, app: App) -> None:
    key, text = keyring.create(
        app.keys,
        name=arguments.name,
        tenant=arguments.tenant,
        limits=limit_options.read(arguments, access.DEFAULT_LIMITS),
        secret=app.key_secret,
        by=getpass.getuser(),
        now=_now(app),
    )
    key_tables.show_text(key, text, as_json=arguments.json)


def _list(arguments: argparse.Namespace, app: App) -> None:
    key_tables.show_keys(app.keys.list_all(), as_json=arguments.json)


def _show(arguments: argparse.Namespace, app: App) -> None:
    found = keyring.lookup(app.keys, arguments.key)
    key_tables.show_key(
        found, app.usage.counts(found[0].id), now=app.clock(), as_json=arguments.json
    )


def _limit(arguments: argparse.Namespace, app: App) -> None:
    (found, *_) = keyring.lookup(app.keys, arguments.key)
    limits = limit_options.read(arguments, found.limits or access.DEFAULT_LIMITS)
    keyring.limit(app.keys, found.id, limits, by=getpass.getuser(), now=_now(app))
    _show(arguments, app)


def _block(arguments: argparse.Namespace, app: App) -> None:
    _set_status(arguments, app, KeyStatus.BLOCKED)


def _unblock(arguments: argparse.Namespace, app: App) -> None:
    _set_status(arguments, app, KeyStatus.ACTIVE)


def _set_status(arguments: argparse.Namespace, app: App, status: KeyStatus) -> None:
    keyring.set_status(app.keys, arguments.key, status, by=getpass.getuser(), now=_now(app))
    _show(arguments, app)


def _rotate(arguments: argparse.Namespace, app: App) -> None:
    key, text = keyring.rotate(
        app.keys,
        arguments.key,
        overlap=timedelta(seconds=arguments.overlap),
        secret=app.key_secret,
        by=getpass.getuser(),
        now=_now(app),
    )
    key_tables.show_text(key, text, as_json=arguments.json)


def _delete(arguments: argparse.Namespace, app: App) -> None:
    found = keyring.lookup(app.keys, arguments.key)
    if not arguments.yes and not _is_confirmed(f"Delete the key {found[0].name}? [y/N] "):
        raise ValueError("nothing was deleted; --yes deletes without asking")
    keyring.delete(
        app.keys, app.usage, app.distinct_tracker, found[0].id, by=getpass.getuser(), now=_now(app)
    )
    key_tables.show_keys(found, as_json=arguments.json, title="deleted")


def _log(arguments: argparse.Namespace, app: App) -> None:
    events = [
        event
        for event in app.keys.events()
        if arguments.key in (None, event.key_id, event.key_name)
    ]
    key_tables.show_events(events, as_json=arguments.json)


def _usage(arguments: argparse.Namespace, app: App) -> None:
    wanted = arguments.key
    found = app.keys.list_all() if wanted is None else keyring.lookup(app.keys, wanted)
    keys = {key.id: key for key in found}.values()
    key_tables.show_usage(
        [(key, app.usage.counts(key.id)) for key in keys],
        by=arguments.by,
        now=app.clock(),
        as_json=arguments.json,
    )


def _is_confirmed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _name(text: str) -> str:
    if not text.isprintable() or not text.strip() or len(text) > _MAX_NAME_LENGTH:
        raise ValueError(f"must be a text of 1 to {_MAX_NAME_LENGTH} characters")
    return text.strip()


def _now(app: App) -> datetime:
    return datetime.fromtimestamp(app.clock(), UTC)
