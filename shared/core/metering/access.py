"""Who may call, whence, and what: the rules before a call is made."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from shared.core.errors import (
    BlockedKeyError,
    ForbiddenAddressError,
    ForbiddenSubpathError,
    MissingKeyError,
    TooManyAddressesError,
    TooManyKeysError,
    UnknownKeyError,
)
from shared.core.metering.models import ApiKey, DistinctLimit, KeyStatus, Limits
from shared.core.metering.network import Address, is_within, subscriber
from shared.core.metering.ports import DistinctTracker, Keys

DEFAULT_LIMITS = Limits()

_KEY_BYTES = 32
_ID_BYTES = 6
_MAX_KEY_LENGTH = 512  # characters; what is longer was not made here and is not worth hashing


def hash_key(raw_key: str, secret: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hex) under which a key is stored and found."""
    return hmac.new(secret.encode(), raw_key.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def new_raw_key() -> str:
    """Return a text that nobody can guess."""
    return secrets.token_urlsafe(_KEY_BYTES)


def new_key(
    raw_key: str, *, name: str, tenant: str, secret: str, limits: Limits | None = DEFAULT_LIMITS
) -> ApiKey:
    """Return an active key with this text and an id of its own, without storing it."""
    return ApiKey(
        id=secrets.token_hex(_ID_BYTES),
        key_hash=hash_key(raw_key, secret),
        name=name,
        tenant=tenant,
        status=KeyStatus.ACTIVE,
        created_at=datetime.now(UTC).replace(microsecond=0),
        limits=limits,
    )


def public_key(tenant: str) -> ApiKey:
    """Return what stands for callers without a key; their calls are neither limited nor counted."""
    return ApiKey(
        id="",
        key_hash="",
        name="public",
        tenant=tenant,
        status=KeyStatus.ACTIVE,
        created_at=datetime.fromtimestamp(0, UTC),
        limits=None,
    )


def authenticate(keys: Keys, raw_key: str | None, *, secret: str, now: float) -> ApiKey:
    """Return the key that a caller presents at a time (seconds since 1970, UTC).

    Raises:
        MissingKeyError: there is none.
        UnknownKeyError: it is not one of ours, or not any more.
        BlockedKeyError: the operator has blocked it.

    """
    if not raw_key:
        raise MissingKeyError
    if len(raw_key) > _MAX_KEY_LENGTH:
        raise UnknownKeyError
    key_hash = hash_key(raw_key, secret)
    key = keys.lookup(key_hash)
    if key is None or not hmac.compare_digest(key.key_hash, key_hash):
        raise UnknownKeyError
    if key.expires_at is not None and key.expires_at.timestamp() <= now:
        raise UnknownKeyError
    if key.status is KeyStatus.BLOCKED:
        raise BlockedKeyError
    return key


def check_address(
    tracker: DistinctTracker,
    key: ApiKey,
    address: Address | None,
    *,
    keys_per_address: DistinctLimit | None,
    now: float,
) -> None:
    """Let the key be used from an address, and note that it was.

    A caller from a foreign network is refused before anything is noted: with a stolen key he could
    otherwise use up the addresses of its owner.

    Raises:
        ForbiddenAddressError: the key lists networks, and the address is in none of them.
        TooManyKeysError: more distinct keys than may be were used from the address.
        TooManyAddressesError: the key was used from more distinct addresses than it may be.

    """
    if key.limits is None:
        return
    if key.limits.networks and not is_within(address, key.limits.networks):
        raise ForbiddenAddressError
    caller = subscriber(address)
    if keys_per_address and not tracker.note(
        f"address {caller}", key.id, limit=keys_per_address, now=now
    ):
        raise TooManyKeysError
    if key.limits.addresses and not tracker.note(
        addresses_of(key.id), caller, limit=key.limits.addresses, now=now
    ):
        raise TooManyAddressesError


def addresses_of(key_id: str) -> str:
    """Return the subject of the sightings of a key's addresses."""
    return f"key {key_id}"


def check_path(key: ApiKey, path: str) -> None:
    """Let the key open a path of the template.

    Raises:
        ForbiddenSubpathError: the key lists paths, and this one lies in none of them.

    """
    if key.limits is None or not key.limits.paths:
        return
    if not any(_is_below(path, allowed) for allowed in key.limits.paths):
        raise ForbiddenSubpathError


def _is_below(path: str, allowed: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{allowed.rstrip('/')}/")
