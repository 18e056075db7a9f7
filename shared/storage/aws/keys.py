"""API keys in DynamoDB: one item a text of a key, found by its hash, and the log of changes."""

import json
from collections.abc import Sequence
from datetime import datetime

from shared.config import SettingError
from shared.core.metering import limits
from shared.core.metering.models import ApiKey, KeyEvent, KeyStatus
from shared.storage.aws.items import Item, ItemClient


class DynamoKeys:
    """Implements `Keys`; reads are strongly consistent: a key works as soon as it is made."""

    def __init__(self, client: ItemClient, keys_table: str, log_table: str) -> None:
        """Take the names of the tables; who only looks for keys needs no log."""
        self._client = client
        self._keys_table = keys_table
        self._named_log_table = log_table

    def lookup(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        item = self._client.get(self._keys_table, {"key_hash": key_hash})
        return _key(item) if item else None

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name. Reads the whole table, which is one small item a text."""
        keys = map(_key, self._client.scan(self._keys_table))
        return tuple(sorted(keys, key=lambda key: (key.name, key.created_at, key.key_hash)))

    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store and forget keys and log the event, all of it or nothing.

        Raises:
            SettingError: no table is named for the log.

        """
        self._client.write_all(
            put=[
                *((self._keys_table, _item(key)) for key in put),
                (self._log_table, _event_item(event)),
            ],
            delete=[(self._keys_table, {"key_hash": key_hash}) for key_hash in delete],
        )

    def events(self) -> tuple[KeyEvent, ...]:
        """Return what was done, the oldest first.

        Raises:
            SettingError: no table is named for the log.

        """
        events = map(_event, self._client.scan(self._log_table))
        return tuple(sorted(events, key=lambda event: event.at))

    @property
    def _log_table(self) -> str:
        if not self._named_log_table:
            raise SettingError("KEY_LOG_TABLE must be set with BACKEND=aws")
        return self._named_log_table


def _item(key: ApiKey) -> Item:
    if key.limits is None:
        raise ValueError("a key without limits is not stored")
    return {
        "key_hash": key.key_hash,
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "status": key.status.value,
        "created_at": key.created_at.isoformat(),
        "limits": json.dumps(limits.to_dict(key.limits)),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
    }


def _key(item: Item) -> ApiKey:
    expires_at = item["expires_at"]
    return ApiKey(
        id=item["id"],
        key_hash=item["key_hash"],
        name=item["name"],
        tenant=item["tenant"],
        status=KeyStatus(item["status"]),
        created_at=datetime.fromisoformat(item["created_at"]),
        limits=limits.from_dict(json.loads(item["limits"])),
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
    )


def _event_item(event: KeyEvent) -> Item:
    return {
        "key_id": event.key_id,
        "at": event.at.isoformat(),
        "key_name": event.key_name,
        "action": event.action,
        "detail": event.detail,
        "by": event.by,
    }


def _event(item: Item) -> KeyEvent:
    return KeyEvent(
        at=datetime.fromisoformat(item["at"]),
        key_id=item["key_id"],
        key_name=item["key_name"],
        action=item["action"],
        detail=item["detail"],
        by=item["by"],
    )
