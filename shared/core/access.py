"""Who may call: API keys."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from shared.core.errors import BlockedKeyError, MissingKeyError, UnknownKeyError
from shared.core.models import ApiKey, KeyStatus
from shared.core.ports import Keys

_KEY_BYTES = 32
_LONGEST_KEY = 512  # characters; what is longer was not made here and is not worth hashing


def hash_key(key_text: str, secret: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hex) under which a key is stored and found."""
    return hmac.new(
        secret.encode(), key_text.encode("utf-8", "replace"), hashlib.sha256
    ).hexdigest()


def create_key(keys: Keys, *, name: str, tenant: str, secret: str) -> str:
    """Make and store a key for a tenant; return its text, which cannot be had again."""
    key_text = secrets.token_urlsafe(_KEY_BYTES)
    keys.put(new_key(key_text, name=name, tenant=tenant, secret=secret))
    return key_text


def new_key(key_text: str, *, name: str, tenant: str, secret: str) -> ApiKey:
    """Return an active key with this text, without storing it."""
    return ApiKey(
        key_hash=hash_key(key_text, secret),
        name=name,
        tenant=tenant,
        status=KeyStatus.ACTIVE,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def authenticate(keys: Keys, key_text: str | None, *, secret: str) -> ApiKey:
    """Return the key that a caller presents.

    Raises:
        MissingKeyError: there is none.
        UnknownKeyError: it is not one of ours.
        BlockedKeyError: the operator has blocked it.

    """
    if not key_text:
        raise MissingKeyError
    if len(key_text) > _LONGEST_KEY:
        raise UnknownKeyError
    key_hash = hash_key(key_text, secret)
    key = keys.find(key_hash)
    if key is None or not hmac.compare_digest(key.key_hash, key_hash):
        raise UnknownKeyError
    if key.status is KeyStatus.BLOCKED:
        raise BlockedKeyError
    return key
