"""Blobs in an S3 bucket; versions are entity tags."""

from collections.abc import Iterator
from typing import Any

import boto3
from typing_extensions import override

from shared.core.blobs import Blob, BlobInfo, Blobs
from shared.core.errors import BlobChangedError, BlobNotFoundError, BlobTooLargeError
from shared.storage.aws import config
from shared.storage.aws.errors import translate

_MAX_KEY_LENGTH = 1024  # bytes
_NOT_FOUND = ("NoSuchKey", "404")
_CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "412")


class S3Blobs(Blobs):
    """Implements `Blobs`; S3 reads its own writes, and compares entity tags in one step."""

    def __init__(self, bucket: str) -> None:
        """Take the name of a bucket."""
        self._bucket = bucket
        self._s3 = boto3.client("s3", config=config.S3)

    @override
    def accepts(self, key: str) -> bool:
        try:
            return 0 < len(key.encode()) <= _MAX_KEY_LENGTH
        except UnicodeEncodeError:
            return False

    @override
    def stat(self, key: str) -> BlobInfo | None:
        if not self.accepts(key):
            return None
        try:
            head = self._call("head_object", key)
        except BlobNotFoundError:
            return None
        return BlobInfo(key, head["ETag"], head["ContentLength"], head["LastModified"])

    @override
    def get(self, key: str, *, max_bytes: int | None = None) -> Blob:
        found = self._call("get_object", key)
        with found["Body"] as body, translate("S3"):
            if max_bytes is not None and found["ContentLength"] > max_bytes:
                raise BlobTooLargeError(key)
            data: bytes = body.read()
        metadata = dict(found["Metadata"])
        if found.get("MissingMeta"):  # the number of values that S3 cannot put into a header
            metadata["unreadable"] = "S3 holds metadata that it cannot send"
        return Blob(data, found["ETag"], metadata)

    @override
    def put(self, key: str, data: bytes) -> str:
        return str(self._call("put_object", key, Body=data)["ETag"])

    @override
    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        try:
            return str(self._call("put_object", key, Body=data, **_condition(expected))["ETag"])
        except BlobNotFoundError:  # the answer to a condition on a missing object
            raise BlobChangedError(key) from None

    @override
    def copy(
        self,
        source: Blobs,
        source_key: str,
        key: str,
        *,
        source_version: str,
        expected: str | None,
    ) -> None:
        """Store a copy of a version of a blob of another bucket, up to 5 GB; S3 moves the bytes.

        Its tags are not copied: that takes permissions of its own to read and write them.

        Raises:
            BlobNotFoundError: there is no blob to copy.
            BlobChangedError: one of the two has another version; nothing was stored.
            StoreUnavailableError: S3 did not take it; it may have been stored.
        """
        if not isinstance(source, S3Blobs):
            raise TypeError("a bucket takes copies only from other buckets")
        self._call(
            "copy_object",
            key,
            CopySource={"Bucket": source._bucket, "Key": source_key},
            CopySourceIfMatch=source_version,
            TaggingDirective="REPLACE",
            **_condition(expected),
        )

    @override
    def delete(self, key: str, *, expected: str | None = None) -> None:
        condition = {} if expected is None else {"IfMatch": expected}
        try:
            self._call("delete_object", key, **condition)
        except BlobNotFoundError:  # the answer to a condition on a missing object
            return

    @override
    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        pages = self._s3.get_paginator("list_objects_v2")
        with translate("S3"):
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for item in page.get("Contents", ()):
                    yield BlobInfo(item["Key"], item["ETag"], item["Size"], item["LastModified"])

    def _call(self, operation: str, key: str, **parameters: object) -> dict[str, Any]:
        meanings = {
            **dict.fromkeys(_NOT_FOUND, BlobNotFoundError(key)),
            **dict.fromkeys(_CHANGED, BlobChangedError(key)),
        }
        with translate("S3", meanings):
            answer: dict[str, Any] = getattr(self._s3, operation)(
                Bucket=self._bucket, Key=key, **parameters
            )
        return answer


def _condition(expected: str | None) -> dict[str, str]:
    """Return the condition that a version is there, or none."""
    return {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
