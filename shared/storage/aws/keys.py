"""API keys in DynamoDB: one item a key, found by the hash of its text."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from shared.core.models import ApiKey, KeyStatus


class DynamoKeys:
    """Fills the port `Keys`; reads are strongly consistent: a key works as soon as it is made."""

    def __init__(self, table_name: str) -> None:
        self._row = _row_of(table_name)

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        try:
            return _key(self._row.get(key_hash, consistent_read=True))
        except self._row.DoesNotExist:
            return None

    def put(self, key: ApiKey) -> None:
        """Store the key; one with the same hash is replaced."""
        self._row(
            key.key_hash,
            name=key.name,
            tenant=key.tenant,
            status=key.status.value,
            created_at=key.created_at,
        ).save()

    def list_all(self) -> tuple[ApiKey, ...]:
        """Return every key, by name. Reads the whole table, which is one small item a key."""
        keys = (_key(row) for row in self._row.scan(consistent_read=True))
        return tuple(sorted(keys, key=lambda key: (key.name, key.created_at)))

    def delete(self, key_hash: str) -> None:
        """Forget the key with this hash, if there is one."""
        self._row(key_hash).delete()


class _Row(Model):
    key_hash = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    tenant = UnicodeAttribute()
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()


def _row_of(table: str) -> type[_Row]:
    class Row(_Row):
        class Meta:
            table_name = table

    return Row


def _key(row: _Row) -> ApiKey:
    return ApiKey(row.key_hash, row.name, row.tenant, KeyStatus(row.status), row.created_at)
