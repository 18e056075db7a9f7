"""Who was seen with whom, in DynamoDB: one item a subject."""

from collections.abc import Iterator

from shared.core.metering.models import DistinctLimit
from shared.storage.aws.items import ConditionError, ItemClient, contended

_SPARE_ATTEMPTS = 10


class DynamoDistinctTracker:
    """Implements `DistinctTracker`; items expire by the table's time to live."""

    def __init__(self, client: ItemClient, table: str) -> None:
        self._client = client
        self._table = table

    def note(self, subject: str, other: str, *, limit: DistinctLimit, now: float) -> bool:
        """Return whether `other` is one of those that may be seen with the subject, and note it.

        What was read is written back only where nobody has written since. Whenever that fails,
        somebody else was noted; so after `limit.most` times there is no more room.

        Raises:
            StoreUnavailableError: DynamoDB did not take the call.

        """
        key = {"id": subject}
        item = self._client.get(self._table, key)
        for _ in range(limit.most + _SPARE_ATTEMPTS):
            seen = {name: int(end) for name, end in item.get("seen", {}).items() if end > now}
            if other in seen:
                return True
            if len(seen) >= limit.most:
                return False
            seen[other] = int(now) + limit.window_s
            try:
                self._client.update(
                    self._table,
                    key,
                    "SET seen = :seen, expires_at = :expires_at ADD version :one",
                    {
                        ":seen": seen,
                        ":expires_at": max(seen.values()),
                        ":one": 1,
                        ":version": item.get("version", 0),
                    },
                    condition="attribute_not_exists(version) OR version = :version",
                )
            except ConditionError as error:
                item = error.item
                continue
            return True
        raise contended("sightings")

    def forget(self, subject: str) -> None:
        """Forget whom the subject was seen with."""
        self._client.delete(self._table, {"id": subject})

    def clean_up(self, before: float) -> Iterator[int]:
        """Do nothing: DynamoDB deletes an item some days after its `expires_at`, and at no cost."""
        return iter(())
