"""Files dropped into a folder, told to a function as S3 and SQS tell of uploads."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from local_runner.functions import Call
from local_runner.triggers import events
from local_runner.triggers.delivery import deliver, pause_s
from shared.core.blobs import BlobInfo, Blobs
from shared.events.s3 import MAX_DELIVERIES

_SETTLE_S = 0.5
_NEVER = float("inf")
_LOOK_SHARE = 4  # pauses between looks at the folder, as multiples of the time that one takes

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Upload:
    """A version of a file: the name of its message, how often it failed, when it is due."""

    version: str
    due_at: float
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempts: int = 0


class Inbox:
    """Fires for each version of a file, once it has lain unchanged for half a second.

    What fails is fired again with growing pauses, five times in all; then it is left alone until it
    changes. What was done is known to this process alone: after a new start the files that are
    still there are fired again.
    """

    def __init__(
        self,
        blobs: Blobs,
        bucket: str,
        call: Call,
        *,
        batch_size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._blobs = blobs
        self._bucket = bucket
        self._call = call
        self._batch_size = batch_size
        self._clock = clock
        self._uploads: dict[str, _Upload] = {}
        self._due: deque[BlobInfo] = deque()
        self._look_at = 0.0

    def poll(self) -> bool:
        """Fire one event for files that are due; the folder is listed when none is left."""
        if not self._due:
            self._due.extend(self._list_due())
        batch: list[BlobInfo] = []
        while self._due and len(batch) < self._batch_size:
            file = self._due.popleft()
            if self._blobs.stat(file.key) == file:  # otherwise the next listing has what it became
                batch.append(file)
        if batch:
            self._fire(batch)
        return bool(self._due)

    def _list_due(self) -> list[BlobInfo]:
        now = self._clock()
        if now < self._look_at:
            return []
        files = {file.key: file for file in self._blobs.list()}
        self._look_at = self._clock() + (self._clock() - now) * _LOOK_SHARE
        for key in self._uploads.keys() - files.keys():
            del self._uploads[key]
        for key, file in files.items():
            upload = self._uploads.get(key)
            if upload is None or upload.version != file.version:
                self._uploads[key] = _Upload(file.version, due_at=now + _SETTLE_S)
        return [file for file in files.values() if self._uploads[file.key].due_at <= now]

    def _fire(self, batch: list[BlobInfo]) -> None:
        uploads = [self._uploads[file.key] for file in batch]
        messages = [
            events.upload_message(
                self._bucket, file, identity=upload.identity, attempt=upload.attempts + 1
            )
            for file, upload in zip(batch, uploads, strict=True)
        ]
        identities = [upload.identity for upload in uploads]
        failed = deliver(self._call, events.batch(messages), identities)
        for upload in uploads:
            upload.due_at = _NEVER
            if upload.identity in failed:
                self._put_off(upload)

    def _put_off(self, upload: _Upload) -> None:
        upload.attempts += 1
        if upload.attempts < MAX_DELIVERIES:
            upload.due_at = self._clock() + pause_s(upload.attempts)
        else:
            _logger.error(
                "an upload failed too often and is left alone",
                extra={"upload": upload.identity, "attempts": upload.attempts},
            )
