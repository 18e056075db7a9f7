"""API keys in DynamoDB: one item for each key value, found by its hash, and the log of changes."""

import itertools
from collections.abc import Sequence

from typing_extensions import override

from shared.config import SettingError
from shared.core.metering.models import ApiKey, KeyEvent
from shared.core.metering.ports import Keys
from shared.storage import key_records
from shared.storage.aws import dynamodb
from shared.storage.aws.dynamodb import ConflictError, DynamoDb, Item


class DynamoKeys(Keys):
    """Implements `Keys`; reads are strongly consistent: a key works as soon as it is made."""

    def __init__(self, client: DynamoDb, keys_table: str, log_table: str) -> None:
        """Take the names of the tables; looking up keys needs no log, whose name may be empty."""
        self._client = client
        self._keys_table = keys_table
        self._named_log_table = log_table

    @override
    def lookup(self, key_hash: str) -> ApiKey | None:
        item = self._client.get(self._keys_table, {"key_hash": key_hash})
        return key_records.to_key(item) if item else None

    @override
    def list_all(self) -> tuple[ApiKey, ...]:
        keys = map(key_records.to_key, self._scan(self._keys_table))
        return tuple(sorted(keys, key=lambda key: (key.name, key.created_at, key.key_hash)))

    @override
    def change(
        self, event: KeyEvent, *, put: Sequence[ApiKey] = (), delete: Sequence[str] = ()
    ) -> None:
        """Store and forget keys and log the event, all of it or nothing.

        Raises:
            SettingError: the table of the log has no name.
        """
        writes = [
            *(dynamodb.put(self._keys_table, key_records.from_key(key)) for key in put),
            dynamodb.put(self._log_table, key_records.from_event(event)),
            *(dynamodb.delete(self._keys_table, {"key_hash": key_hash}) for key_hash in delete),
        ]
        self._client.retry.call(lambda: self._client.transact(writes), on=ConflictError)

    @override
    def events(self) -> tuple[KeyEvent, ...]:
        """Return what was done, the oldest first.

        Raises:
            SettingError: the table of the log has no name.
        """
        events = map(key_records.to_event, self._scan(self._log_table))
        return tuple(sorted(events, key=lambda event: event.at))

    @property
    def _log_table(self) -> str:
        if not self._named_log_table:
            raise SettingError("KEY_LOG_TABLE must be set with BACKEND=aws")
        return self._named_log_table

    def _scan(self, table: str) -> itertools.chain[Item]:
        return itertools.chain.from_iterable(self._client.scan(table))
