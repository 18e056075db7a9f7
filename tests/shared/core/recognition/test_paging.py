"""Paging tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import InvalidTokenError
from shared.core.recognition.paging import LIFETIME_S, PageRequest

FIRST = PageRequest(limit=3, token=None, scope=("key-hash", "faces", "generation"), secret="s")
TOKEN = FIRST.next_token("17", 3)


def start(
    token: str = TOKEN, scope: tuple[str, ...] = FIRST.scope, secret: str = FIRST.secret
) -> tuple[str, int]:
    return PageRequest(200, token, scope, secret).start()


def test_without_a_token_a_listing_starts_at_the_beginning() -> None:
    assert FIRST.start() == ("", 3)


def test_a_token_holds_the_position_and_the_limit_of_the_first_page() -> None:
    assert start() == ("17", 3)


@pytest.mark.parametrize("part", range(3))
def test_a_token_is_valid_for_its_scope_alone(part: int) -> None:
    scope = list(FIRST.scope)
    scope[part] = "other"
    with pytest.raises(InvalidTokenError):
        start(scope=tuple(scope))


def test_parts_of_a_scope_cannot_be_shifted() -> None:
    with pytest.raises(InvalidTokenError):
        start(scope=("key-hash", "facesgeneration"))


def test_refuses_a_token_of_another_deployment() -> None:
    with pytest.raises(InvalidTokenError):
        start(secret="other")


def test_a_token_expires_after_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    token = FIRST.next_token("17", 3)
    monkeypatch.setattr("time.time", lambda: now + LIFETIME_S)
    assert start(token=token) == ("17", 3)
    monkeypatch.setattr("time.time", lambda: now + LIFETIME_S + 1)
    with pytest.raises(InvalidTokenError):
        start(token=token)


def test_a_clock_that_is_behind_accepts_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    token = FIRST.next_token("17", 3)
    monkeypatch.setattr("time.time", lambda: now - 2)
    assert start(token=token) == ("17", 3)


def test_a_token_can_be_part_of_a_url() -> None:
    token = FIRST.next_token("a/b+c 한", 200)
    assert token.translate(str.maketrans("", "", "-_.")).isalnum()
    assert token.isascii()


@pytest.mark.parametrize("place", range(len(TOKEN) - 1))  # a few bits of the last one mean nothing
def test_refuses_a_token_that_was_changed(place: int) -> None:
    other = "A" if TOKEN[place] != "A" else "B"
    with pytest.raises(InvalidTokenError):
        start(token=TOKEN[:place] + other + TOKEN[place + 1 :])


@pytest.mark.parametrize(
    "token", ["", ".", "..", "x", "x.y", "=", "한", "\ud800", "\0", "a" * 5_000_000, "." * 100_000]
)
def test_refuses_text_that_is_not_a_token(token: str) -> None:
    with pytest.raises(InvalidTokenError):
        start(token=token)


@given(st.text(st.characters(exclude_categories=())))
def test_refuses_any_text(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        start(token=text)
