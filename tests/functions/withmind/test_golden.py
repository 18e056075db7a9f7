"""The requests of the vendor's guide are answered in its words."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.app import App
from shared.config import ROOT
from tests.functions.withmind.client import ANALYSE, ENROL, Image, WithmindClient
from tests.functions.withmind.conftest import app_with_models_of
from tests.functions.withmind.uploads import portrait, row_of, without_face

GOLDEN = ROOT / "tests" / "golden" / "withmind"
ENROLLING = json.loads((GOLDEN / "enrollment_img.json").read_text(encoding="utf-8"))
ANALYSING = json.loads((GOLDEN / "analy_img.json").read_text(encoding="utf-8"))

OBAMA = portrait("obama.jpg")
TWO_STRANGERS = row_of("obama.jpg", "biden.jpg", "biden.jpg")


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("failed", without_face()),
        ("succeeded", OBAMA),
        ("wrong size", OBAMA[:300_000]),
        ("wrong type", bytes(400_000)),
    ],
)
def test_enrolment(client: WithmindClient, name: str, image: Image) -> None:
    answer = client.call(ENROL, image, **ENROLLING["request"]).json
    assert answer == ENROLLING["answers"][name]


@pytest.mark.parametrize(
    ("name", "image", "is_enrolled"),
    [
        ("the same person", portrait("obama2.jpg"), True),
        ("another person", portrait("biden.jpg"), True),
        ("three people", TWO_STRANGERS, True),
        ("failed", without_face(), True),
        ("wrong size", OBAMA + bytes(200_000), True),
        ("not enrolled", OBAMA, False),
        ("not enrolled, in the table", OBAMA, False),
    ],
)
def test_analysis(app: App, tmp_path: Path, name: str, image: Image, is_enrolled: bool) -> None:
    other_spellings = "on" if name == "not enrolled" else "off"
    store = app_with_models_of(app, tmp_path, WITHMIND_OTHER_SPELLINGS=other_spellings)
    client = WithmindClient(store)
    if is_enrolled:
        client.enrol(OBAMA, **ANALYSING["request"])
    answer: Any = client.call(ANALYSE, image, **ANALYSING["request"]).json
    assert answer == ANALYSING["answers"][name]
