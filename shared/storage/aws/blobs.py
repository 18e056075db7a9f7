"""Blobs in an S3 bucket; versions are entity tags."""

from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from shared.core.blobs import Blob, BlobInfo, Blobs
from shared.core.errors import (
    BlobChangedError,
    BlobNotFoundError,
    BlobTooLargeError,
    StoreUnavailableError,
)
from shared.storage.aws.failures import is_transient

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 5},
)
_MAX_KEY_LENGTH = 1024  # bytes
_THROTTLED = frozenset({"SlowDown", "ThrottlingException", "RequestTimeout"})
_NOT_FOUND = frozenset({"NoSuchKey", "404"})
_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412"})


class S3Blobs:
    """Implements `Blobs`; S3 reads what was written before, and compares tags in one step."""

    def __init__(self, bucket: str) -> None:
        """Take the name of a bucket."""
        self._bucket = bucket
        self._s3 = boto3.client("s3", config=_CONFIG)

    def accepts(self, key: str) -> bool:
        """Whether an object can have this name."""
        try:
            return 0 < len(key.encode()) <= _MAX_KEY_LENGTH
        except UnicodeEncodeError:
            return False

    def stat(self, key: str) -> BlobInfo | None:
        """Return what is known of a blob, or None where there is none."""
        if not self.accepts(key):
            return None
        try:
            head = self._call("head_object", key)
        except BlobNotFoundError:
            return None
        return BlobInfo(key, head["ETag"], head["ContentLength"], head["LastModified"])

    def get(self, key: str, *, max_bytes: int | None = None) -> Blob:
        """Return a blob.

        Raises:
            BlobNotFoundError: there is none.
            BlobTooLargeError: it has more than `max_bytes`, and was not read.
            StoreUnavailableError: S3 did not answer, also after it was asked again.

        """
        found = self._call("get_object", key)
        with found["Body"] as body:
            if max_bytes is not None and found["ContentLength"] > max_bytes:
                raise BlobTooLargeError(key)
            try:
                data: bytes = body.read()
            except (NoConnectionError, HTTPClientError) as error:
                raise StoreUnavailableError("S3 broke off") from error
        metadata = dict(found["Metadata"])
        if found.get("MissingMeta"):  # how many S3 could not put into a header
            metadata["unreadable"] = "S3 holds metadata that it cannot send"
        return Blob(data, found["ETag"], metadata)

    def put(self, key: str, data: bytes) -> str:
        """Store a blob, in place of an earlier one; return its version.

        Raises:
            StoreUnavailableError: S3 did not take it, also after it was asked again.

        """
        return str(self._call("put_object", key, Body=data)["ETag"])

    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        """Store a blob only in place of the expected version, or of none; return its version.

        Raises:
            BlobChangedError: another version, or none, is there; nothing was stored.
            StoreUnavailableError: S3 did not take it; it may have been stored.

        """
        try:
            return str(self._call("put_object", key, Body=data, **_condition(expected))["ETag"])
        except BlobNotFoundError:  # the answer to a condition on what is not there
            raise BlobChangedError(key) from None

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

        Its tags are left behind: to read and write them takes permissions of their own.

        Raises:
            BlobNotFoundError: there is no blob to copy.
            BlobChangedError: one of the two is of another version; nothing was stored.
            StoreUnavailableError: S3 did not take it; it may have been stored.

        """
        if not isinstance(source, S3Blobs):
            raise TypeError("a bucket takes copies of the files of buckets alone")
        self._call(
            "copy_object",
            key,
            CopySource={"Bucket": source._bucket, "Key": source_key},
            CopySourceIfMatch=source_version,
            TaggingDirective="REPLACE",
            **_condition(expected),
        )

    def delete(self, key: str, *, expected: str | None = None) -> None:
        """Delete a blob, if there is one; with `expected` only this version.

        Raises:
            BlobChangedError: another version is there; nothing was deleted.
            StoreUnavailableError: S3 did not take it, also after it was asked again.

        """
        condition = {} if expected is None else {"IfMatch": expected}
        try:
            self._call("delete_object", key, **condition)
        except BlobNotFoundError:  # the answer to a condition on what is not there
            return

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """Yield every blob whose key starts with the prefix, by key."""
        place: dict[str, str] = {}
        while True:
            page = self._request("list_objects_v2", "", Prefix=prefix, **place)
            for item in page.get("Contents", ()):
                yield BlobInfo(item["Key"], item["ETag"], item["Size"], item["LastModified"])
            if not page["IsTruncated"]:
                return
            place = {"ContinuationToken": page["NextContinuationToken"]}

    def _call(self, operation: str, key: str, **parameters: object) -> dict[str, Any]:
        return self._request(operation, key, Key=key, **parameters)

    def _request(self, operation: str, key: str, **parameters: object) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._s3, operation)(Bucket=self._bucket, **parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NOT_FOUND:
                raise BlobNotFoundError(key) from None
            if code in _CHANGED:
                raise BlobChangedError(key) from None
            if is_transient(error, _THROTTLED):
                raise StoreUnavailableError("S3 refuses calls at present") from error
            raise
        except (NoConnectionError, HTTPClientError) as error:
            raise StoreUnavailableError("S3 cannot be reached") from error
        return answer


def _condition(expected: str | None) -> dict[str, str]:
    """Return the condition that a version is there, or none."""
    return {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
