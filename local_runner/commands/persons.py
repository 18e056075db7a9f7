"""`persons`: list or erase enrolled people."""

import argparse
import json
from dataclasses import asdict

from local_runner.commands import Arguments, Subparsers, UsageError
from shared.app import App
from shared.core.errors import PersonNotFoundError
from shared.core.recognition import enrollment
from shared.core.recognition.models import PersonId

_PUBLIC = "public"  # the tenant of callers without a key


def add_parser(subparsers: Subparsers) -> None:
    """Add `persons list` and `persons erase`."""
    persons = subparsers.add_parser("persons", help="list or erase enrolled people")
    actions = persons.add_subparsers(required=True, metavar="ACTION")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("company", metavar="COMPANY")
    common.add_argument(
        "--tenant", default=_PUBLIC, help="tenant of the company (default: %(default)s)"
    )
    listing = actions.add_parser("list", parents=[common], help="print the ids of a company")
    listing.set_defaults(command=_list)

    erasing = actions.add_parser(
        "erase", parents=[common], help="remove everything stored about a person; print a receipt"
    )
    which = erasing.add_mutually_exclusive_group(required=True)
    which.add_argument("user_id", nargs="?", metavar="ID")
    which.add_argument("--all", action="store_true", help="erase everyone of the company")
    erasing.add_argument("--json", action="store_true", help="print one JSON object per receipt")
    erasing.set_defaults(command=_erase)


def _list(arguments: Arguments) -> None:
    for person_id in App(arguments.settings).persons.list_ids(arguments.tenant, arguments.company):
        print(person_id.user_id)


def _erase(arguments: Arguments) -> None:
    persons = App(arguments.settings).persons
    tenant, company = arguments.tenant, arguments.company
    erased = 0
    for person_id in (
        persons.list_ids(tenant, company)
        if arguments.all
        else [PersonId(tenant, company, arguments.user_id)]
    ):
        try:
            erasure = enrollment.erase(persons, person_id)
        except PersonNotFoundError:
            continue
        receipt = {"receipt_id": erasure.receipt_id, **asdict(erasure)}
        lines = [f"{name:14} {value}" for name, value in receipt.items()]
        print(json.dumps(receipt) if arguments.json else "\n".join(lines))
        erased += 1
    if not erased:
        raise UsageError("nobody of this name is enrolled")
