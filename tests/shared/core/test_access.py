"""API keys: who is let in."""

from dataclasses import replace

import pytest

from shared.core import access
from shared.core.errors import BlockedKeyError, MissingKeyError, UnknownKeyError
from shared.core.models import KeyStatus
from tests.fakes import InMemoryKeys

SECRET = "s"


def test_a_created_key_opens_its_tenant() -> None:
    keys = InMemoryKeys()
    text = access.create_key(keys, name="shop", tenant="acme", secret=SECRET)
    assert access.authenticate(keys, text, secret=SECRET).tenant == "acme"


def test_the_text_of_a_key_is_not_stored() -> None:
    keys = InMemoryKeys()
    text = access.create_key(keys, name="shop", tenant="acme", secret=SECRET)
    assert text not in repr(keys.list_all())


def test_two_keys_differ() -> None:
    keys = InMemoryKeys()
    texts = {access.create_key(keys, name="n", tenant="t", secret=SECRET) for _ in range(2)}
    assert len(texts) == 2
    assert len(keys.list_all()) == 2


@pytest.mark.parametrize("text", [None, ""])
def test_refuses_a_missing_key(text: str | None) -> None:
    with pytest.raises(MissingKeyError):
        access.authenticate(InMemoryKeys(), text, secret=SECRET)


@pytest.mark.parametrize("text", ["other", "k" * 100_000, "키", "\ud800", "\x00"])
def test_refuses_an_unknown_key(text: str) -> None:
    keys = InMemoryKeys()
    keys.put(access.new_key("known", name="n", tenant="t", secret=SECRET))
    with pytest.raises(UnknownKeyError):
        access.authenticate(keys, text, secret=SECRET)


def test_refuses_a_blocked_key() -> None:
    keys = InMemoryKeys()
    key = access.new_key("known", name="n", tenant="t", secret=SECRET)
    keys.put(replace(key, status=KeyStatus.BLOCKED))
    with pytest.raises(BlockedKeyError):
        access.authenticate(keys, "known", secret=SECRET)


def test_a_key_of_another_deployment_is_unknown() -> None:
    keys = InMemoryKeys()
    keys.put(access.new_key("known", name="n", tenant="t", secret="another"))
    with pytest.raises(UnknownKeyError):
        access.authenticate(keys, "known", secret=SECRET)
