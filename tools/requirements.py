"""Prints the requirements for pip, with the onnxruntime that suits this machine.

`requirements.txt` names `onnxruntime-gpu`, whose wheel is ten times as large as `onnxruntime`, and
useless without an NVIDIA driver. This script only needs Python, because it runs before an
environment exists:

    python3 tools/requirements.py [--runtime auto|cpu|gpu] FILE...
"""

import argparse
import ctypes
import re
from collections.abc import Iterator
from pathlib import Path


def main() -> None:
    """Print the requirements of the files, one per line."""
    options = _parser().parse_args()
    gpu = has_cuda_driver() if options.runtime == "auto" else options.runtime == "gpu"
    for file in options.files:
        for requirement in read(file):
            print(requirement if gpu else re.sub(r"^onnxruntime-gpu\b", "onnxruntime", requirement))


def read(file: Path) -> Iterator[str]:
    """Yield the requirements of a file and of files included with `-r`, without comments."""
    for line in file.read_text(encoding="utf-8").splitlines():
        requirement = re.sub(r"(^|\s+)#.*", "", line).strip()
        nested = re.fullmatch(r"(?:-r|--requirement)[\s=]*(\S+)", requirement)
        if nested:
            yield from read(file.parent / nested[1])
        elif requirement:
            yield requirement


def has_cuda_driver() -> bool:
    """Return whether an NVIDIA driver with a device responds.

    `shared.vision.session` repeats this check when it opens models. It cannot be imported here,
    because it needs packages that are not installed yet.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return bool(driver.cuInit(0) == 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/requirements.py", description="Print the requirements for pip on this machine."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="requirements")
    parser.add_argument(
        "--runtime",
        choices=("auto", "cpu", "gpu"),
        default="auto",
        help="auto, the default, means gpu if an NVIDIA driver responds",
    )
    return parser


if __name__ == "__main__":
    main()
