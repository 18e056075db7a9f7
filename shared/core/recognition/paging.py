"""Paging tokens: where a listing goes on, signed so that nobody can make or move one."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass

from shared.core.errors import InvalidTokenError

LIFETIME_S = 3600
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is good for: one key's listing of one thing.

    Attributes:
        key_hash: of the API key that the listing was begun with.
        operation: which listing it is.
        subject: what is listed, as the generation of a group; empty where there is only one.
    """

    key_hash: str
    operation: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Where to go on: after `position`, with the page size that the first request chose."""

    position: str
    limit: int


def sign(page: Page, scope: Scope, *, secret: str) -> str:
    """Return the token of a page, good for an hour."""
    content = json.dumps([page.position, page.limit, int(time.time()) + LIFETIME_S]).encode()
    return base64.urlsafe_b64encode(_mac(content, scope, secret) + content).decode().rstrip("=")


def verify(token: str, scope: Scope, *, secret: str) -> Page:
    """Return the page of a token.

    Raises:
        InvalidTokenError: it is broken, has expired, or was made for another scope.
    """
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise InvalidTokenError from None
    mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(content, scope, secret)):
        raise InvalidTokenError
    position, limit, expires_at = json.loads(content)
    if time.time() > expires_at:
        raise InvalidTokenError
    return Page(position, limit)


def _mac(content: bytes, scope: Scope, secret: str) -> bytes:
    bound = json.dumps(["paging", scope.key_hash, scope.operation, scope.subject]).encode()
    return hmac.new(secret.encode(), bound + content, hashlib.sha256).digest()[:_MAC_BYTES]
