"""Listings in pages, with signed tokens: nobody can forge one or use it for another listing."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from itsdangerous import BadData, URLSafeSerializer

from shared.core.errors import InvalidTokenError

LIFETIME_S = 3600

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of a listing a caller asks for.

    Attributes:
        limit: the number of items on a page; a token brings its own, chosen with the first page.
        token: of the page to return; None for the first one.
        scope: what tokens are bound to: the hash of the API key, the operation, and what it lists.
        secret: signs the tokens.
    """

    limit: int
    token: str | None
    scope: tuple[str, ...]
    secret: str

    def start(self) -> tuple[str, int]:
        """Return the position that the page follows ("" for the first page), and its limit.

        Raises:
            InvalidTokenError: the token is broken, has expired, or is bound to another scope.
        """
        if self.token is None:
            return "", self.limit
        try:
            position, limit, expires_at = self._signer().loads(self.token)
        except (BadData, UnicodeEncodeError):  # the latter: a lone surrogate is not a character
            raise InvalidTokenError from None
        if time.time() > expires_at:
            raise InvalidTokenError
        return position, limit

    def next_token(self, position: str, limit: int) -> str:
        """Return the token of the page that follows a position; it is valid for an hour."""
        return str(self._signer().dumps([position, limit, int(time.time()) + LIFETIME_S]))

    def _signer(self) -> URLSafeSerializer:
        # The expiry is signed with the page. A timed serializer would refuse a token made by a
        # machine whose clock is a second ahead of this one's.
        return URLSafeSerializer(self.secret, salt=json.dumps(["paging", *self.scope]))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing, and the token of the next one, None at the end."""

    items: tuple[T, ...]
    next_token: str | None


def read_page(
    request: PageRequest,
    read: Callable[[str, int], Sequence[T]],
    position_of: Callable[[T], str],
) -> Page[T]:
    """Return the page that is asked for.

    Args:
        request: which page.
        read: returns up to a number of items after a position, "" for the start.
        position_of: returns the position of an item; it is not empty.

    Raises:
        InvalidTokenError: the token was not made for this listing, or has expired.
    """
    start, limit = request.start()
    found = read(start, limit + 1)
    shown = tuple(found[:limit])
    has_more = len(found) > limit
    return Page(shown, request.next_token(position_of(shown[-1]), limit) if has_more else None)
