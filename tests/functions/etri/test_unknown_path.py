"""Paths outside the API."""

import pytest

from functions.etri import unknown_path
from harness import builders
from shared.app import App


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/FaceDeID/x", "Not Allowed Subpath"),
        ("/FaceDeID/x/y", "Not Allowed Subpath"),
        ("/FaceDeID/", "Not Allowed Subpath"),
        ("/", "Invalid API"),
        ("/facedeid", "Invalid API"),
        ("/FaceDeIDs", "Invalid API"),
        ("/ObjectDetect", "Invalid API"),
    ],
)
def test_refuses_an_unknown_path_with_a_reason(app: App, path: str, reason: str) -> None:
    reply = unknown_path.handler(builders.event(path=path, body={"request_id": "r"}), None, app)
    assert reply["statusCode"] == 403
    assert builders.answer(reply) == {"request_id": "r", "result": -1, "reason": reason}


def test_checks_the_key_first(app: App) -> None:
    reply = unknown_path.handler(builders.event(path="/x", headers={}), None, app)
    assert builders.answer(reply)["reason"] == "Empty Auth Header"


def test_another_method_is_refused(app: App) -> None:
    reply = unknown_path.handler(builders.event("GET", "/FaceDeID"), None, app)
    assert builders.answer(reply)["reason"] == "Invalid API"
