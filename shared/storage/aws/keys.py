"""API keys in DynamoDB: one item a text of a key, found by its hash, and the log of changes."""

import json
from collections.abc import Sequence

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.connection import Connection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from shared.core import limits
from shared.core.models import ApiKey, KeyEvent, KeyStatus


class DynamoKeys:
    """Fills the port `Keys`; reads are strongly consistent: a key works as soon as it is made."""

    def __init__(self, keys_table: str, log_table: str) -> None:
        """Take the names of the tables; who only looks for keys needs no log."""
        self._row = _key_row(keys_table)
        self._event = _event_row(log_table)

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        try:
            return _key(self._row.get(key_hash, consistent_read=True))
        except self._row.DoesNotExist:
            return None

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name. Reads the whole table, which is one small item a key."""
        keys = (_key(row) for row in self._row.scan(consistent_read=True))
        return tuple(sorted(keys, key=lambda key: (key.name, key.created_at, key.key_hash)))

    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store and forget keys and log the event, all of it or nothing."""
        with TransactWrite(connection=Connection()) as transaction:
            for key_hash in delete:
                transaction.delete(self._row(key_hash))
            for key in put:
                transaction.save(_row(self._row, key))
            transaction.save(
                self._event(
                    event.key_id,
                    event.at,
                    key_name=event.key_name,
                    action=event.action,
                    detail=event.detail,
                    by=event.by,
                )
            )

    def events(self) -> tuple[KeyEvent, ...]:
        """Return what was done, the oldest first."""
        events = (
            KeyEvent(row.at, row.key_id, row.key_name, row.action, row.detail, row.by)
            for row in self._event.scan(consistent_read=True)
        )
        return tuple(sorted(events, key=lambda event: event.at))


class _KeyRow(Model):
    key_hash = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute()
    name = UnicodeAttribute()
    tenant = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    limits = UnicodeAttribute()
    expires_at = UTCDateTimeAttribute(null=True)


class _EventRow(Model):
    key_id = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)
    key_name = UnicodeAttribute()
    action = UnicodeAttribute()
    detail = UnicodeAttribute()
    by = UnicodeAttribute()


def _key_row(table: str) -> type[_KeyRow]:
    class Row(_KeyRow):
        class Meta:
            table_name = table

    return Row


def _event_row(table: str) -> type[_EventRow]:
    class Row(_EventRow):
        class Meta:
            table_name = table

    return Row


def _row(row: type[_KeyRow], key: ApiKey) -> _KeyRow:
    if key.limits is None:
        raise ValueError("a key without limits is not stored")
    return row(
        key.key_hash,
        id=key.id,
        name=key.name,
        tenant=key.tenant,
        status=key.status.value,
        created_at=key.created_at,
        limits=json.dumps(limits.to_dict(key.limits)),
        expires_at=key.expires_at,
    )


def _key(row: _KeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        key_hash=row.key_hash,
        name=row.name,
        tenant=row.tenant,
        status=KeyStatus(row.status),
        created_at=row.created_at,
        limits=limits.from_dict(json.loads(row.limits)),
        expires_at=row.expires_at,
    )
