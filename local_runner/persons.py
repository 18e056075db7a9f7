"""The commands for people whom a company has enrolled: list them, and erase them for good."""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local_runner.settings import RunnerSettings
from shared.config import Settings

if TYPE_CHECKING:
    from shared.core.recognition.enrollment import Erasure
    from shared.core.recognition.models import PersonId
    from shared.core.recognition.ports import Persons

_PUBLIC = "public"  # the tenant of callers without a key


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `persons list` and `persons erase` to the command line."""
    persons = commands.add_parser("persons", help="list or erase enrolled people")
    actions = persons.add_subparsers(required=True, metavar="ACTION")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("company", metavar="COMPANY")
    common.add_argument("--tenant", default=_PUBLIC, help=f"whose company (default: {_PUBLIC})")

    listing = actions.add_parser("list", parents=[common], help="print the ids of a company")
    listing.set_defaults(command=_list)

    erasing = actions.add_parser(
        "erase", parents=[common], help="remove all that is stored of a person; print a receipt"
    )
    whom = erasing.add_mutually_exclusive_group(required=True)
    whom.add_argument("user_id", nargs="?", metavar="ID")
    whom.add_argument("--all", action="store_true", help="everyone of the company")
    erasing.add_argument("--json", action="store_true", help="print one JSON object a receipt")
    erasing.set_defaults(command=_erase)


def _list(arguments: argparse.Namespace, settings: Settings, _runner: RunnerSettings) -> int:
    for person_id in _persons(settings).list_ids(arguments.tenant, arguments.company):
        print(person_id.user_id)
    return 0


def _erase(arguments: argparse.Namespace, settings: Settings, _runner: RunnerSettings) -> int:
    from shared.core.errors import PersonNotFoundError
    from shared.core.recognition import enrollment

    persons = _persons(settings)
    erased = 0
    for person_id in _whom(persons, arguments):
        try:
            erasure = enrollment.erase(persons, person_id)
        except PersonNotFoundError:
            continue
        print(json.dumps(_receipt(erasure)) if arguments.json else _text(erasure))
        erased += 1
    if not erased:
        print("error: nobody of this name is enrolled", file=sys.stderr)
    return 0 if erased else 1


def _whom(persons: "Persons", arguments: argparse.Namespace) -> "Iterator[PersonId]":
    from shared.core.recognition.models import PersonId

    if arguments.all:
        yield from persons.list_ids(arguments.tenant, arguments.company)
    else:
        yield PersonId(arguments.tenant, arguments.company, arguments.user_id)


def _receipt(erasure: "Erasure") -> dict[str, Any]:
    return {"receipt_id": erasure.receipt_id, **asdict(erasure)}


def _text(erasure: "Erasure") -> str:
    return "\n".join(f"{name:14} {value}" for name, value in _receipt(erasure).items())


def _persons(settings: Settings) -> "Persons":
    from shared.app import App

    return App(settings).persons
