"""The AWS backend: DynamoDB, S3 and KMS.

Libraries are imported where they are needed, for short cold starts, and a function needs only the
settings of what it uses.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from shared.config import Settings
from shared.storage.backend import Backend

if TYPE_CHECKING:
    from shared.storage.aws.blobs import S3Blobs
    from shared.storage.aws.distinct import DynamoDistinctTracker
    from shared.storage.aws.dynamodb import DynamoDb
    from shared.storage.aws.faces import DynamoFaces
    from shared.storage.aws.groups import DynamoGroups
    from shared.storage.aws.keys import DynamoKeys
    from shared.storage.aws.kms import KmsKeyWrapper
    from shared.storage.aws.persons import DynamoPersons
    from shared.storage.aws.usage import DynamoUsage


class AwsBackend(Backend):
    """Implements `Backend` with the tables, buckets and key that the settings name.

    Raises:
        SettingError: from each method that needs a setting which is not set.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @override
    def keys(self) -> "DynamoKeys":
        from shared.storage.aws.keys import DynamoKeys

        return DynamoKeys(
            self._dynamodb, self._settings.required("keys_table"), self._settings.key_log_table
        )

    @override
    def usage(self) -> "DynamoUsage":
        from shared.storage.aws.usage import DynamoUsage

        return DynamoUsage(self._dynamodb, self._settings.required("usage_table"))

    @override
    def distinct_tracker(self) -> "DynamoDistinctTracker":
        from shared.storage.aws.distinct import DynamoDistinctTracker

        return DynamoDistinctTracker(self._dynamodb, self._settings.required("usage_table"))

    @override
    def groups(self) -> "DynamoGroups":
        from shared.storage.aws.groups import DynamoGroups

        return DynamoGroups(
            self._dynamodb,
            self._settings.required("groups_table"),
            self._settings.required("faces_table"),
        )

    @override
    def faces(self) -> "DynamoFaces":
        from shared.storage.aws.faces import DynamoFaces

        return DynamoFaces(
            self._dynamodb,
            self._settings.required("groups_table"),
            self._settings.required("faces_table"),
        )

    @override
    def persons(self) -> "DynamoPersons":
        from shared.storage.aws.persons import DynamoPersons

        return DynamoPersons(self._dynamodb, self._settings.required("persons_table"))

    @override
    def key_wrapper(self) -> "KmsKeyWrapper":
        from shared.storage.aws.kms import KmsKeyWrapper

        return KmsKeyWrapper(self._settings.required("kms_key_id"))

    @override
    def key_secret(self) -> str:
        return self._settings.required("key_secret")

    @override
    def inbox(self) -> "S3Blobs":
        return self._blobs("inbox_bucket")

    @override
    def outbox(self) -> "S3Blobs":
        return self._blobs("outbox_bucket")

    @override
    def snapshots(self) -> "S3Blobs":
        return self._blobs("snapshots_bucket")

    @cached_property
    def _dynamodb(self) -> "DynamoDb":
        from shared.storage.aws.dynamodb import DynamoDb

        return DynamoDb()

    def _blobs(self, setting: str) -> "S3Blobs":
        from shared.storage.aws.blobs import S3Blobs

        return S3Blobs(self._settings.required(setting))
