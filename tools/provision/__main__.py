"""Makes the template's tables, buckets, queues and keys: `python -m tools.provision --help`."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local_runner.template import TEMPLATE
from tools.provision import template
from tools.provision.endpoint import Endpoint
from tools.provision.errors import ProvisionError
from tools.provision.resource import Resource
from tools.provision.stack import LEFT_OUT, Stack

_EXPECTED = (ProvisionError, BotoCoreError, ClientError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make everything, print the environment and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        stack = Stack(
            template.read(options.template),
            Endpoint(url=options.endpoint, region=options.region),
            prefix=options.prefix,
            parameters=dict(options.parameter),
            report=_report,
        )
        stack.make_all()
        variables = stack.variables()
    except _EXPECTED as error:
        print(f"provision: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(variables, indent=2))
    else:
        for name, value in variables.items():
            print(f"export {name}={shlex.quote(value)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.provision",
        description="Makes the tables, buckets, queues, keys and secrets of template.yaml on an"
        " endpoint of AWS, for tests and for use on this machine, and prints the environment of a"
        " process that uses them. What is there already stays, with all that is in it.",
        epilog="What holds no state is left out: "
        + ", ".join(LEFT_OUT)
        + '. Example: eval "$(python -m tools.provision --endpoint http://127.0.0.1:5000)"'
        " && make run",
    )
    parser.add_argument(
        "--endpoint", metavar="URL",
        help="a stand-in for AWS, as moto's server or LocalStack (default: AWS_ENDPOINT_URL, or AWS"
        " itself)",
    )  # fmt: skip
    parser.add_argument("--region", help="default: that of the environment")
    parser.add_argument(
        "--prefix", default="face-functions-",
        help="what the names start with that the template leaves open (default: %(default)s); those"
        " of buckets start with its parameter BucketPrefix",
    )  # fmt: skip
    parser.add_argument(
        "--parameter", action="append", default=[], type=_parameter, metavar="NAME=VALUE",
        help="a parameter of the template; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--template", type=Path, default=TEMPLATE, metavar="FILE",
        help="default: that of this project",
    )  # fmt: skip
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--env", action="store_true", help="print it for a shell (the default); with the secret"
    )
    output.add_argument("--json", action="store_true", help="print it as JSON; with the secret")
    return parser


def _parameter(text: str) -> tuple[str, str]:
    name, is_given, value = text.partition("=")
    if not is_given:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _report(logical_id: str, resource: Resource) -> None:
    print(f"provision: {logical_id} {'made' if resource.is_new else 'is there'}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
