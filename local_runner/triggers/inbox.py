"""Turns files dropped into a folder into S3 events that arrive through SQS."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from local_runner.functions import Invoke
from local_runner.triggers import events
from local_runner.triggers.delivery import backoff_s, deliver
from shared.core.blobs import BlobInfo, Blobs
from shared.events.s3 import MAX_DELIVERIES

_SETTLE_S = 0.5
_NEVER = float("inf")
_PAUSE_FACTOR = 4  # the pause between two listings, as a multiple of the time that one takes

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Upload:
    """A version of a file, with the id of its message and the deliveries that failed."""

    version: str
    due_at: float
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    attempts: int = 0


@dataclass
class InboxPoller:
    """Delivers each version of a file, once it has been unchanged for half a second.

    A failed file is retried with growing pauses, five times in all; then it is left alone until it
    changes. This is kept in memory only: after a restart, the files that are still there are
    delivered again.
    """

    blobs: Blobs
    bucket: str
    invoke: Invoke
    batch_size: int
    clock: Callable[[], float] = time.monotonic
    _uploads: dict[str, _Upload] = field(init=False, default_factory=dict)
    _due: deque[BlobInfo] = field(init=False, default_factory=deque)
    _next_listing_at: float = field(init=False, default=0.0)

    def poll(self) -> bool:
        """Deliver a batch of files that are due; list the folder when none is left."""
        if not self._due:
            self._due.extend(self._list_due())
        batch: list[BlobInfo] = []
        while self._due and len(batch) < self.batch_size:
            file = self._due.popleft()
            if self.blobs.stat(file.key) == file:  # if not, the next listing has its new version
                batch.append(file)
        if batch:
            self._deliver(batch)
        return bool(self._due)

    def _list_due(self) -> list[BlobInfo]:
        now = self.clock()
        if now < self._next_listing_at:
            return []
        files = {file.key: file for file in self.blobs.list()}
        self._next_listing_at = self.clock() + (self.clock() - now) * _PAUSE_FACTOR
        for key in self._uploads.keys() - files.keys():
            del self._uploads[key]
        for key, file in files.items():
            upload = self._uploads.get(key)
            if upload is None or upload.version != file.version:
                self._uploads[key] = _Upload(file.version, due_at=now + _SETTLE_S)
        return [file for file in files.values() if self._uploads[file.key].due_at <= now]

    def _deliver(self, batch: list[BlobInfo]) -> None:
        uploads = [self._uploads[file.key] for file in batch]
        messages = [
            events.upload_message(
                self.bucket, file, identity=upload.identity, attempt=upload.attempts + 1
            )
            for file, upload in zip(batch, uploads, strict=True)
        ]
        failed = deliver(self.invoke, messages)
        for upload in uploads:
            upload.due_at = _NEVER
            if upload.identity in failed:
                self._postpone(upload)

    def _postpone(self, upload: _Upload) -> None:
        upload.attempts += 1
        if upload.attempts < MAX_DELIVERIES:
            upload.due_at = self.clock() + backoff_s(upload.attempts)
        else:
            _logger.error(
                "an upload failed too often and is left alone",
                extra={"upload": upload.identity, "attempts": upload.attempts},
            )
