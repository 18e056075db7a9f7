"""What an operator does with API keys; each change is logged in the step that makes it.

A key is meant by its id or its name. After a rotation it has two texts for a while, and so there
are two `ApiKey`s of one id: what is done to a key is done to all of them.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.core.metering import access
from shared.core.metering.limits import describe_duration, difference
from shared.core.metering.models import ApiKey, KeyEvent, KeyStatus, Limits
from shared.core.metering.ports import DistinctTracker, Keys, Usage


class KeyNameError(Exception):
    """A name means no key, or more than one, or is taken; the message says which."""


def lookup(keys: Keys, wanted: str) -> tuple[ApiKey, ...]:
    """Return the key of an id or a name in all its texts, the newest first.

    Raises:
        KeyNameError: there is none, or there are several of this name.

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
    """Make a key; return it and its text, which cannot be had again.

    Raises:
        KeyNameError: the name is taken.

    """
    if any(name in (key.id, key.name) for key in keys.list_all()):
        raise KeyNameError(f"there is a key {name!r} already")
    text = access.new_raw_key()
    key = access.new_key(text, name=name, tenant=tenant, secret=secret, limits=limits)
    detail = "; ".join(filter(None, (f"tenant: {tenant}", difference(Limits(), limits))))
    keys.change(_event(key, "create", detail, by, now), put=[key])
    return key, text


def limit(keys: Keys, wanted: str, limits: Limits, *, by: str, now: datetime) -> ApiKey:
    """Give a key other limits; return it."""
    found = lookup(keys, wanted)
    changed = [replace(key, limits=limits) for key in found]
    detail = difference(found[0].limits or Limits(), limits)
    keys.change(_event(found[0], "limit", detail, by, now), put=changed)
    return changed[0]


def set_status(keys: Keys, wanted: str, status: KeyStatus, *, by: str, now: datetime) -> ApiKey:
    """Block a key or let it call again; return it."""
    changed = [replace(key, status=status) for key in lookup(keys, wanted)]
    action = "block" if status is KeyStatus.BLOCKED else "unblock"
    keys.change(_event(changed[0], action, "", by, now), put=changed)
    return changed[0]


def rotate(
    keys: Keys, wanted: str, *, overlap: timedelta, secret: str, by: str, now: datetime
) -> tuple[ApiKey, str]:
    """Give a key a new text, and end its old ones after the overlap; return it and the text."""
    found = lookup(keys, wanted)
    text = access.new_raw_key()
    new = replace(
        found[0],
        key_hash=access.hash_key(text, secret),
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
    return new, text


def delete(
    keys: Keys, usage: Usage, tracker: DistinctTracker, wanted: str, *, by: str, now: datetime
) -> ApiKey:
    """Forget a key and its usage; return what it was."""
    found = lookup(keys, wanted)
    keys.change(_event(found[0], "delete", "", by, now), delete=[key.key_hash for key in found])
    usage.forget(found[0].id)
    tracker.forget(access.addresses_of(found[0].id))
    return found[0]


def _has_expired(key: ApiKey, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def _event(key: ApiKey, action: str, detail: str, by: str, now: datetime) -> KeyEvent:
    return KeyEvent(at=now, key_id=key.id, key_name=key.name, action=action, detail=detail, by=by)
