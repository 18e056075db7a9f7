"""The catalogue of metrics agrees with the code and with docs/metrics.md."""

import re
from pathlib import Path

import pytest

from shared.config import ROOT
from shared.core import errors, metrics
from shared.core.metrics import CATALOGUE, Counter, Metric

DOCUMENT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
NAMES = {value: name for name, value in vars(metrics).items() if isinstance(value, Metric)}


def test_the_table_of_metrics_matches_the_catalogue() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [
        (
            metric.name,
            "counter" if isinstance(metric, Counter) else "histogram",
            ", ".join(f"`{label}`" for label in metric.labels),
            metric.help,
        )
        for metric in CATALOGUE
    ]


def test_every_metric_in_the_document_exists() -> None:
    known = {
        f"face_functions_{metric.name}{ending}"
        for metric in CATALOGUE
        for ending in (["_total"] if isinstance(metric, Counter) else ["_bucket", "_sum", "_count"])
    }
    named = set(re.findall(r"face_functions_\w+", DOCUMENT))
    assert named
    assert named <= known


def test_every_error_in_the_document_exists() -> None:
    named = set(re.findall(r'outcome="(\w+)"|`(\w+Error)`', DOCUMENT))
    words = {word for pair in named for word in pair if word and word != "ok"}
    assert words == {"FaceError", "StoreUnavailableError"}
    assert all(issubclass(getattr(errors, word), errors.FaceError) for word in words)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_every_metric_is_counted_somewhere(metric: Metric) -> None:
    places = [
        path
        for folder in ("shared", "functions")
        for path in Path(ROOT, folder).rglob("*.py")
        if re.search(
            rf"\.(count|observe)\(\s*(metrics\.)?{NAMES[metric]}\b",
            path.read_text(encoding="utf-8"),
        )
    ]
    assert places
