"""Writes docs/settings.md from the declarations of the settings: `python -m tools.settings`."""

from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from local_runner.settings import RunnerSettings
from shared.config import ROOT, Settings, as_text

PAGE = ROOT / "docs" / "settings.md"

_HEAD = """# Settings

Every setting is an environment variable; an empty one counts as not set. A relative path starts
from the working directory. Some settings have no default with `BACKEND=aws`: a function needs those
that it uses, and no others.

`make docs` generates this page from the declarations in [shared/config.py](../shared/config.py) and
[local_runner/settings.py](../local_runner/settings.py).
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page in Markdown."""
    service = _table("The service", Settings)
    runner = _table("The local runner", RunnerSettings)
    return f"{_HEAD}\n{service}\n{runner}"


def _table(title: str, kind: type[Any]) -> str:
    types = get_type_hints(kind)
    rows = [_row(declared, types[declared.name]) for declared in fields(kind)]
    head = ["| setting | default | values | meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


def _row(declared: Field[Any], type_: Any) -> str:
    text = as_text(declared.default)
    default = f"`{text}`" if text else ""
    if declared.metadata["aws"]:
        default = f"{default}; none with AWS".removeprefix("; ")
    values = _values(declared, type_)
    return f"| `{declared.name.upper()}` | {default} | {values} | {declared.metadata['help']} |"


def _values(declared: Field[Any], type_: Any) -> str:
    if get_origin(type_) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(type_))
    if type_ is bool:
        return "`on`, `off`"
    if type_ is float:
        return "more than 0"
    low, high = declared.metadata["low"], declared.metadata["high"]
    if low is None:
        return "path" if type_ in (Path, Path | None) else "text"
    return f"from {low}" if high is None else f"{low} to {high}"


if __name__ == "__main__":
    main()
