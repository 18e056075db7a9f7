"""`keys` and `usage`: manage API keys and show their calls, on either backend."""

import argparse
import getpass
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from local_runner.commands import Arguments, CommandError, Subparsers, key_tables, limit_options
from local_runner.commands.option_types import checked
from shared.app import App
from shared.core.metering import access, keyring
from shared.core.metering.limits import parse_duration
from shared.core.metering.models import KeyStatus

Action = Callable[[Arguments, App], None]

_MAX_NAME_LENGTH = 100


def add_parser(subparsers: Subparsers) -> None:
    """Add both commands."""
    keys = subparsers.add_parser("keys", help="manage API keys and their limits")
    actions = keys.add_subparsers(required=True, metavar="ACTION")

    create = _add(actions, "create", _create, "create a key and print its value, which is not kept")
    create.add_argument("name", type=_name, help="1 to 100 characters")
    create.add_argument(
        "--tenant", required=True, type=_name, help="tenant whose groups the key opens"
    )
    daily = access.DEFAULT_LIMITS.daily
    limit_options.add_options(create, f"default: {daily:,} calls per day, and no other limit")

    _add(actions, "list", _list, "list all keys")
    _add_key(_add(actions, "show", _show, "show a key, its limits and its calls"))

    limit = _add(actions, "limit", _limit, "change limits; those that are not given stay the same")
    _add_key(limit)
    limit_options.add_options(limit, "default: unchanged")

    _add_key(
        _add(actions, "block", partial(_set_status, KeyStatus.BLOCKED), "refuse all calls of a key")
    )
    _add_key(
        _add(
            actions,
            "unblock",
            partial(_set_status, KeyStatus.ACTIVE),
            "accept calls of a key again",
        )
    )

    rotate = _add(actions, "rotate", _rotate, "give a key a new value and print it, this once")
    _add_key(rotate)
    rotate.add_argument(
        "--overlap", type=checked(parse_duration), default=0, metavar="TIME",
        help="how long the old value stays valid, such as 7d (default: %(default)s)",
    )  # fmt: skip

    delete = _add(actions, "delete", _delete, "delete a key and the counts of its calls")
    _add_key(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    log = _add(actions, "log", _log, "show the changes to keys: what, by which user, when")
    _add_key(log, is_optional=True)

    usage = _add(subparsers, "usage", _usage, "show the calls of keys")
    _add_key(usage, is_optional=True)
    usage.add_argument(
        "--by", choices=tuple(key_tables.PERIODS),
        help="show all stored periods of this kind (default: only the current periods)",
    )  # fmt: skip


def _add(subparsers: Subparsers, name: str, action: Action, text: str) -> argparse.ArgumentParser:
    def command(arguments: Arguments) -> None:
        action(arguments, App(arguments.settings))

    parser = subparsers.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def _add_key(parser: argparse.ArgumentParser, *, is_optional: bool = False) -> None:
    if is_optional:
        parser.add_argument("key", nargs="?", metavar="KEY", help="id or name (default: all keys)")
    else:
        parser.add_argument("key", metavar="KEY", help="id or name")


def _create(arguments: Arguments, app: App) -> None:
    key, value = keyring.create(
        app.keys,
        name=arguments.name,
        tenant=arguments.tenant,
        limits=limit_options.read(arguments, access.DEFAULT_LIMITS),
        secret=app.key_secret,
        by=getpass.getuser(),
        now=_now(app),
    )
    key_tables.print_value(key, value, as_json=arguments.json)


def _list(arguments: Arguments, app: App) -> None:
    key_tables.print_keys(app.keys.list_all(), as_json=arguments.json)


def _show(arguments: Arguments, app: App) -> None:
    found = keyring.lookup(app.keys, arguments.key)
    counts = app.usage.counts(found[0].id)
    key_tables.print_key(found, counts, now=app.clock(), as_json=arguments.json)


def _limit(arguments: Arguments, app: App) -> None:
    (found, *_) = keyring.lookup(app.keys, arguments.key)
    limits = limit_options.read(arguments, found.limits or access.DEFAULT_LIMITS)
    keyring.limit(app.keys, found.id, limits, by=getpass.getuser(), now=_now(app))
    _show(arguments, app)


def _set_status(status: KeyStatus, arguments: Arguments, app: App) -> None:
    keyring.set_status(app.keys, arguments.key, status, by=getpass.getuser(), now=_now(app))
    _show(arguments, app)


def _rotate(arguments: Arguments, app: App) -> None:
    key, value = keyring.rotate(
        app.keys,
        arguments.key,
        overlap=timedelta(seconds=arguments.overlap),
        secret=app.key_secret,
        by=getpass.getuser(),
        now=_now(app),
    )
    key_tables.print_value(key, value, as_json=arguments.json)


def _delete(arguments: Arguments, app: App) -> None:
    found = keyring.lookup(app.keys, arguments.key)
    if not arguments.yes and not _is_confirmed(f"Delete the key {found[0].name}? [y/N] "):
        raise CommandError("nothing was deleted; --yes deletes without asking")
    keyring.delete(
        app.keys, app.usage, app.distinct_tracker, found[0].id, by=getpass.getuser(), now=_now(app)
    )
    key_tables.print_keys(found, as_json=arguments.json, title="deleted")


def _log(arguments: Arguments, app: App) -> None:
    events = [
        event
        for event in app.keys.events()
        if arguments.key in (None, event.key_id, event.key_name)
    ]
    key_tables.print_events(events, as_json=arguments.json)


def _usage(arguments: Arguments, app: App) -> None:
    wanted = arguments.key
    found = app.keys.list_all() if wanted is None else keyring.lookup(app.keys, wanted)
    keys = {key.id: key for key in found}.values()
    key_tables.print_usage(
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


@checked
def _name(text: str) -> str:
    if not text.isprintable() or not text.strip() or len(text) > _MAX_NAME_LENGTH:
        raise ValueError(f"must be 1 to {_MAX_NAME_LENGTH} printable characters")
    return text.strip()


def _now(app: App) -> datetime:
    return datetime.fromtimestamp(app.clock(), UTC)
