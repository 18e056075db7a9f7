"""API keys and their events as records of plain values, under the names that all tables use."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from shared.core.metering import limits
from shared.core.metering.models import ApiKey, KeyEvent, KeyStatus


def from_key(key: ApiKey) -> dict[str, Any]:
    """Return the record of a key.

    Raises:
        ValueError: the key has no limits; such a key is not stored.
    """
    if key.limits is None:
        raise ValueError("a key without limits is not stored")
    return {
        "id": key.id,
        "key_hash": key.key_hash,
        "name": key.name,
        "tenant": key.tenant,
        "status": key.status.value,
        "created_at": key.created_at.isoformat(),
        "limits": json.dumps(limits.to_dict(key.limits)),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
    }


def to_key(record: Mapping[str, Any]) -> ApiKey:
    """Return the key of a record."""
    expires_at = record["expires_at"]
    return ApiKey(
        id=record["id"],
        key_hash=record["key_hash"],
        name=record["name"],
        tenant=record["tenant"],
        status=KeyStatus(record["status"]),
        created_at=datetime.fromisoformat(record["created_at"]),
        limits=limits.from_dict(json.loads(record["limits"])),
        expires_at=expires_at and datetime.fromisoformat(expires_at),
    )


def from_event(event: KeyEvent) -> dict[str, Any]:
    """Return the record of an event."""
    return {**asdict(event), "at": event.at.isoformat()}


def to_event(record: Mapping[str, Any]) -> KeyEvent:
    """Return the event of a record."""
    known = {
        field.name: record[field.name] for field in fields(KeyEvent)
    }  # a newer version may add
    return KeyEvent(**{**known, "at": datetime.fromisoformat(record["at"])})
