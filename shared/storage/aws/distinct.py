"""Distinct addresses per key and keys per address in DynamoDB: one item for each subject."""

from collections.abc import Iterator

from pynamodb.expressions.operand import Path
from typing_extensions import override

from shared.core.errors import StoreUnavailableError
from shared.core.metering.models import DistinctLimit
from shared.core.metering.ports import DistinctTracker
from shared.storage.aws import dynamodb
from shared.storage.aws.dynamodb import ConditionError, DynamoDb

_SPARE_ATTEMPTS = 10


class DynamoDistinctTracker(DistinctTracker):
    """Implements `DistinctTracker`; items expire by the table's time to live."""

    def __init__(self, client: DynamoDb, table: str) -> None:
        self._client = client
        self._table = table

    @override
    def note(self, subject: str, other: str, *, limit: DistinctLimit, now: float) -> bool:
        """Return whether `other` is within the limit of the subject, and note it if so.

        What was read is written back only if nobody has written since. Each time that fails,
        another caller noted something; so after `limit.most` times there is no room left.
        """
        key = {"id": subject}
        item = self._client.get(self._table, key)
        for _ in range(limit.most + _SPARE_ATTEMPTS):
            seen = {name: end for name, end in item.get("seen", {}).items() if end > now}
            if other in seen:
                return True
            if len(seen) >= limit.most:
                return False
            seen[other] = int(now) + limit.window_s
            version = Path("version")
            write = dynamodb.update(
                self._table,
                key,
                [
                    Path("seen").set(seen),
                    Path("expires_at").set(max(seen.values())),
                    version.add(1),
                ],
                conditions=[version.does_not_exist() | (version == item.get("version", 0))],
            )
            try:
                self._client.write(write)
            except ConditionError as error:
                item = error.item
                continue
            return True
        raise StoreUnavailableError("too many calls note something of the subject at once")

    @override
    def forget(self, subject: str) -> None:
        self._client.write(dynamodb.delete(self._table, {"id": subject}))

    @override
    def clean_up(self, before: float) -> Iterator[int]:
        """Do nothing: DynamoDB deletes an item some days after its `expires_at`, and at no cost."""
        return iter(())
