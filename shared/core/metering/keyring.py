"""An operator's changes to API keys; each is logged in the step that makes it.

A key is named by its id or its name. After a rotation it has two values for a while, and so two
`ApiKey`s with one id: a change applies to both.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.core.metering import access
from shared.core.metering.limits import describe_duration, difference
from shared.core.metering.models import ApiKey, KeyEvent, KeyStatus, Limits
from shared.core.metering.ports import DistinctTracker, Keys, Usage


class KeyNameError(Exception):
    """A name matches no key or several keys, or is taken; the message says which."""


def lookup(keys: Keys, wanted: str) -> tuple[ApiKey, ...]:
    """Return every `ApiKey` of the key with an id or a name, newest first.

    Raises:
        KeyNameError: there is no such key, or several keys have this name.
    """
    found = [key for key in keys.list_all() if wanted in (key.id, key.name)]
    ids = {key.id for key in found}
    if not ids:
        raise KeyNameError(f"there is no key {wanted!r}")
    if len(ids) > 1:
        raise KeyNameError(f"there are several keys {wanted!r}: {', '.join(sorted(ids))}")
    return tuple(sorted(found, key=lambda key: key.expires_at is not None))


def create(
    keys: Keys, *, name: str, tenant: str, limits: Limits, secret: str, by: str, now: datetime
) -> tuple[ApiKey, str]:
    """Create a key; return it and its value, which is not stored.

    Raises:
        KeyNameError: the name is taken.
    """
    if any(name in (key.id, key.name) for key in keys.list_all()):
        raise KeyNameError(f"there is a key {name!r} already")
    raw_key = access.new_raw_key()
    key = access.new_key(raw_key, name=name, tenant=tenant, secret=secret, limits=limits)
    detail = "; ".join(filter(None, (f"tenant: {tenant}", difference(Limits(), limits))))
    keys.change(_event(key, "create", detail, by, now), put=[key])
    return key, raw_key


def limit(keys: Keys, wanted: str, limits: Limits, *, by: str, now: datetime) -> ApiKey:
    """Change the limits of a key; return it."""
    found = lookup(keys, wanted)
    changed = [replace(key, limits=limits) for key in found]
    detail = difference(found[0].limits or Limits(), limits)
    keys.change(_event(found[0], "limit", detail, by, now), put=changed)
    return changed[0]


def set_status(keys: Keys, wanted: str, status: KeyStatus, *, by: str, now: datetime) -> ApiKey:
    """Block or unblock a key; return it."""
    changed = [replace(key, status=status) for key in lookup(keys, wanted)]
    action = "block" if status is KeyStatus.BLOCKED else "unblock"
    keys.change(_event(changed[0], action, "", by, now), put=changed)
    return changed[0]


def rotate(
    keys: Keys, wanted: str, *, overlap: timedelta, secret: str, by: str, now: datetime
) -> tuple[ApiKey, str]:
    """Give a key a new value; old values expire after the overlap. Return it and the value."""
    found = lookup(keys, wanted)
    raw_key = access.new_raw_key()
    new = replace(
        found[0],
        key_hash=access.hash_key(raw_key, secret),
        created_at=now.replace(microsecond=0),
        expires_at=None,
    )
    end = now + overlap
    ending = [replace(key, expires_at=min(key.expires_at or end, end)) for key in found]
    detail = f"overlap {describe_duration(int(overlap.total_seconds()))}"
    keys.change(
        _event(new, "rotate", detail, by, now),
        put=[new, *(key for key in ending if not _has_expired(key, now))],
        delete=[key.key_hash for key in ending if _has_expired(key, now)],
    )
    return new, raw_key


def delete(
    keys: Keys, usage: Usage, tracker: DistinctTracker, wanted: str, *, by: str, now: datetime
) -> ApiKey:
    """Delete a key and its usage; return the deleted key."""
    found = lookup(keys, wanted)
    keys.change(_event(found[0], "delete", "", by, now), delete=[key.key_hash for key in found])
    usage.forget(found[0].id)
    tracker.forget(access.addresses_of(found[0].id))
    return found[0]


def _has_expired(key: ApiKey, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def _event(key: ApiKey, action: str, detail: str, by: str, now: datetime) -> KeyEvent:
    return KeyEvent(at=now, key_id=key.id, key_name=key.name, action=action, detail=detail, by=by)
