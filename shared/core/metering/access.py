"""Access checks: key, source address, path."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from shared.core import errors
from shared.core.metering.models import ApiKey, DistinctLimit, KeyStatus, Limits
from shared.core.metering.network import Address, is_within, subscriber
from shared.core.metering.ports import DistinctTracker, Keys

DEFAULT_LIMITS = Limits()

_KEY_BYTES = 32
_ID_BYTES = 6
_MAX_KEY_LENGTH = 512  # characters; a longer key was not made here and need not be hashed


def hash_key(raw_key: str, secret: str) -> str:
    """Return the keyed hash (HMAC-SHA256, hex) by which a key is stored and looked up."""
    return hmac.new(secret.encode(), raw_key.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def new_raw_key() -> str:
    """Return the random value of a new key: 32 bytes in URL-safe base64."""
    return secrets.token_urlsafe(_KEY_BYTES)


def new_key(
    raw_key: str, *, name: str, tenant: str, secret: str, limits: Limits | None = DEFAULT_LIMITS
) -> ApiKey:
    """Return an active key with this value and a new id, without storing it."""
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
    """Return the key of callers without a key; their calls are neither limited nor counted."""
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
    """Return the key that a caller presents; `now` is in seconds since 1970, UTC.

    Raises:
        MissingKeyError: the caller presents no key.
        UnknownKeyError: the key does not exist, or has expired.
        BlockedKeyError: the operator has blocked the key.
    """
    if not raw_key:
        raise errors.MissingKeyError
    if len(raw_key) > _MAX_KEY_LENGTH:
        raise errors.UnknownKeyError
    key_hash = hash_key(raw_key, secret)
    key = keys.lookup(key_hash)
    if key is None or not hmac.compare_digest(key.key_hash, key_hash):
        raise errors.UnknownKeyError
    if key.expires_at is not None and key.expires_at.timestamp() <= now:
        raise errors.UnknownKeyError
    if key.status is KeyStatus.BLOCKED:
        raise errors.BlockedKeyError
    return key


def check_address(
    tracker: DistinctTracker,
    key: ApiKey,
    address: Address | None,
    *,
    keys_per_address: DistinctLimit | None,
    now: float,
) -> None:
    """Check that the key may be used from an address, and record that it was.

    A caller from a foreign network is refused before anything is recorded. Otherwise a thief could
    use up the addresses of the key's owner.

    Raises:
        ForbiddenAddressError: the key lists networks, and the address is in none of them.
        TooManyKeysError: too many distinct keys were used from the address.
        TooManyAddressesError: the key was used from too many distinct addresses.
    """
    if key.limits is None:
        return
    if key.limits.networks and not is_within(address, key.limits.networks):
        raise errors.ForbiddenAddressError
    caller = subscriber(address)
    if keys_per_address and not tracker.note(
        f"address {caller}", key.id, limit=keys_per_address, now=now
    ):
        raise errors.TooManyKeysError
    if key.limits.addresses and not tracker.note(
        addresses_of(key.id), caller, limit=key.limits.addresses, now=now
    ):
        raise errors.TooManyAddressesError


def addresses_of(key_id: str) -> str:
    """Return the subject under which the addresses of a key are tracked."""
    return f"key {key_id}"


def check_path(key: ApiKey, path: str) -> None:
    """Check that the key may use a path of the template.

    Raises:
        ForbiddenSubpathError: the key lists paths, and this one is below none of them.
    """
    if key.limits is None or not key.limits.paths:
        return
    if not any(_is_below(path, allowed) for allowed in key.limits.paths):
        raise errors.ForbiddenSubpathError


def _is_below(path: str, allowed: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{allowed.rstrip('/')}/")
