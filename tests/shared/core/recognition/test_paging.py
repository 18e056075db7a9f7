"""Paging tokens."""

import base64
from dataclasses import replace

import pytest

from shared.core.errors import InvalidTokenError
from shared.core.recognition import paging
from shared.core.recognition.paging import Page, Scope

SCOPE = Scope("key-hash", "faces", "generation")
PAGE = Page("17", 3)
SECRET = "s"


def test_a_token_gives_its_page_back() -> None:
    token = paging.sign(PAGE, SCOPE, secret=SECRET)
    assert paging.verify(token, SCOPE, secret=SECRET) == PAGE


@pytest.mark.parametrize("field", ["key_hash", "operation", "subject"])
def test_a_token_is_good_for_its_scope_alone(field: str) -> None:
    token = paging.sign(PAGE, SCOPE, secret=SECRET)
    with pytest.raises(InvalidTokenError):
        paging.verify(token, replace(SCOPE, **{field: "other"}), secret=SECRET)


def test_a_token_of_another_deployment_is_none() -> None:
    with pytest.raises(InvalidTokenError):
        paging.verify(paging.sign(PAGE, SCOPE, secret="other"), SCOPE, secret=SECRET)


def test_a_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    token = paging.sign(PAGE, SCOPE, secret=SECRET)
    monkeypatch.setattr("time.time", lambda: 1e12)
    with pytest.raises(InvalidTokenError):
        paging.verify(token, SCOPE, secret=SECRET)


def test_a_token_can_stand_in_a_url() -> None:
    token = paging.sign(Page("a/b+c", 200), SCOPE, secret=SECRET)
    assert token.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("position", range(0, 60, 5))
def test_a_changed_token_is_none(position: int) -> None:
    token = paging.sign(PAGE, SCOPE, secret=SECRET)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[position % len(raw)] ^= 1
    changed = base64.urlsafe_b64encode(raw).decode()
    with pytest.raises(InvalidTokenError):
        paging.verify(changed, SCOPE, secret=SECRET)
