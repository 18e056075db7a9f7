"""docs/operations.md names what there is, and its sums are right."""

import math
import re
from dataclasses import fields

import pytest

from local_runner.settings import RunnerSettings
from shared.config import ROOT, Settings
from shared.core import errors
from tests.contract import translated

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
STACK = translated.template()
OF_SAM = {
    "MemorySize",
    "ParallelizationFactor",
}  # properties, of which the page advises to set some
TIMES = "\N{MULTIPLICATION SIGN}"


def quoted(pattern: str) -> set[str]:
    """Return what stands between backquotes and looks like this."""
    return set(re.findall(rf"`({pattern})(?:=[^`]*)?`", PAGE))


def tables_of_costs() -> list[list[tuple[str, str]]]:
    """Return the rows of each table with sums: the arithmetic, and what is said to come out."""
    tables = PAGE.split("| what | a month | $ |\n")[1:]
    return [
        re.findall(r"^\| [^|]+ \|([^|]*)\| \**([\d,.]+)\** \|$", table.split("\n\n")[0], re.M)
        for table in tables
    ]


def amount(text: str) -> float:
    """Return the number that a text begins with: `3 M`, `$0.45`, `1,719 GB`."""
    found = re.match(r"\s*\$?([\d.,]*\d)( M)?\b", text)
    assert found, text
    return float(found[1].replace(",", "")) * (1e6 if found[2] else 1)


def total(arithmetic: str) -> float:
    return sum(math.prod(map(amount, term.split(TIMES))) for term in arithmetic.split("+"))


def test_every_setting_it_names_is_one() -> None:
    known = {field.name.upper() for kind in (Settings, RunnerSettings) for field in fields(kind)}
    named = quoted(r"[A-Z][A-Z_]{3,}")
    assert len(named) > 20
    assert named - known == set()


def test_everything_of_the_template_that_it_names_is_there() -> None:
    known = {*STACK["Parameters"], *STACK["Resources"], *STACK["Outputs"], *OF_SAM, *vars(errors)}
    named = quoted(r"(?:[A-Z][a-z]+){2,}")
    assert len(named) > 20
    assert named - known == set()


def test_says_what_to_do_about_every_alarm() -> None:
    alarms = {
        name
        for name, resource in STACK["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.split("\n## Alarms\n")[1].split("\n## ")[0], re.M)
    assert sorted(rows) == sorted(alarms)


@pytest.mark.parametrize("rows", tables_of_costs(), ids=["hobby", "business", "large"])
def test_the_costs_add_up(rows: list[tuple[str, str]]) -> None:
    *parts, (_, in_all) = rows
    assert len(parts) > 10
    for arithmetic, cost in parts:
        assert amount(cost) == pytest.approx(total(arithmetic), abs=0.0051), arithmetic
    assert amount(in_all) == pytest.approx(sum(amount(cost) for _, cost in parts), abs=0.001)


def test_the_alarms_watch_as_many_metrics_as_it_bills() -> None:
    watched = sum(
        sum("MetricStat" in metric for metric in resource["Properties"].get("Metrics", ())) or 1
        for resource in STACK["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    )
    assert set(re.findall(r"alarms: (\d+) metrics", PAGE)) == {str(watched)}


def test_it_bills_an_image_for_every_function() -> None:
    functions = [r for r in STACK["Resources"].values() if r["Type"] == "AWS::Lambda::Function"]
    assert set(re.findall(r"images: (\d+) repositories", PAGE)) == {str(len(functions))}
