"""What becomes of a file that is put into an inbox.

It comes out of the outbox de-identified, under the same key, with a receipt beside it; or, where it
cannot be processed, it lies in quarantine with the reason. An unexpected error may be
transient, such as a lack of memory. So only the last attempt counts it as a reason.

What is processed is what lies under the key now. So it does no harm if a key is told of twice,
late, out of order, by several processes at once, or when its file was replaced meanwhile:

- What is in the outbox is looked at before the inbox, and written over only if it is still the
  same. Who finds it changed begins again, with what is in the inbox by then. So nobody who was slow
  writes over the outcome of a newer file.
- The receipt is written last, and names the version of the file beside it. Both tell together that
  the work is done: who is killed before leaves work that is done again.
- An original is deleted last, and only in the version that was processed.
"""

import contextlib
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.core.blobs import Blob, Blobs
from shared.core.errors import (
    AnalysisTimeoutError,
    BlobChangedError,
    BlobError,
    GroupError,
    ImageError,
    ImageTooLargeError,
    InvalidParameterError,
    StoreUnavailableError,
    UnknownModelError,
)
from shared.core.hiding import hide_options
from shared.core.hiding.deidentify import Deidentified
from shared.core.hiding.hide_options import HideOptions
from shared.core.uploads import receipts
from shared.core.uploads.receipts import Json

QUARANTINE = "quarantine/"
"""Begins the keys of what could not be processed, and of the reasons."""

_RECEIPT = ".json"
ATTEMPTS = 3  # as many as others may change the file or its outcome meanwhile
_REFUSALS = (
    ImageError, InvalidParameterError, GroupError, UnknownModelError, AnalysisTimeoutError,
)  # fmt: skip
_PASSING = (BlobError, StoreUnavailableError)

_logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of an upload: there was none, its work had been done, or was done now."""

    ABSENT = "absent"
    DONE_BEFORE = "done before"
    DEIDENTIFIED = "deidentified"
    QUARANTINED = "quarantined"


class Hider(Protocol):
    """De-identifies files."""

    def means(self, options: HideOptions) -> Json:
        """Return what the outcome depends on besides file and options: models, and the group.

        Raises:
            InvalidParameterError, GroupError: as `hide` does.
        """

    def hide(self, data: bytes, options: HideOptions) -> Deidentified:
        """Return the file de-identified, or without its metadata where it shows no face.

        Raises:
            ImageError: the file cannot be used.
            InvalidParameterError: the options cannot be followed.
            GroupError: the people that the options name are not to be found.
            UnknownModelError: they were enrolled by a model that is not here.
            AnalysisTimeoutError: it took too long.
        """


@dataclass(frozen=True, slots=True)
class Terms:
    """What a deployment does with uploads.

    Attributes:
        options: of those that name none.
        max_bytes: larger ones are not processed.
        removes_originals: whether originals are removed once they were processed; those that are
            quarantined always are.
    """

    options: HideOptions
    max_bytes: int
    removes_originals: bool


def process(
    key: str,
    *,
    inbox: Blobs,
    outbox: Blobs,
    hider: Hider,
    terms: Terms,
    clock: Callable[[], float],
    is_last: bool,
) -> Outcome:
    """Process the file that lies under a key of the inbox.

    Args:
        key: of the file.
        inbox: where it lies.
        outbox: where it comes out.
        hider: de-identifies it.
        terms: what the deployment does with uploads.
        clock: tells the time, in seconds since 1970, UTC.
        is_last: whether it will not be tried again. Then an unexpected error too is a reason to
            quarantine the file; else it is raised.

    Raises:
        BlobChangedError: others changed the file or its outcome all the time; to be tried again.
        StoreUnavailableError: a store did not take a call; to be tried again.

    """
    work = _Work(key, inbox, outbox, hider, terms, clock, is_last)
    for _ in range(ATTEMPTS):
        with contextlib.suppress(BlobError):
            return work.attempt()
    raise BlobChangedError(key)


def receipt_key(key: str) -> str:
    """Return where the receipt of a file lies in the outbox."""
    return key + _RECEIPT


def quarantine_keys(key: str, outbox: Blobs) -> tuple[str, str]:
    """Return where a file lies in quarantine, and where the reason.

    That is under its key, or, where the outbox can have no file of that name, under the digest of
    the key. No two keys have one of these names in common, and no receipt or outcome has one.
    """
    file, reason = f"{QUARANTINE}files/{key}", f"{QUARANTINE}reasons/{key}{_RECEIPT}"
    if outbox.accepts(file) and outbox.accepts(reason):
        return file, reason
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{QUARANTINE}hashed/{digest}", f"{QUARANTINE}hashed/{digest}{_RECEIPT}"


@dataclass(frozen=True, slots=True)
class _Work:
    """One upload to be processed."""

    key: str
    inbox: Blobs
    outbox: Blobs
    hider: Hider
    terms: Terms
    clock: Callable[[], float]
    is_last: bool

    def attempt(self) -> Outcome:
        """Process the file.

        Raises:
            BlobError: the file or its outcome was changed meanwhile.
            StoreUnavailableError: a store did not take a call.
        """
        file_version = _version(self.outbox, self.key)
        receipt = _find(self.outbox, receipt_key(self.key))
        found = self.inbox.stat(self.key)
        if found is None:
            return Outcome.ABSENT
        upload = None
        try:
            _check_name(self.key, self.outbox)
            if found.size > self.terms.max_bytes:
                raise ImageTooLargeError
            upload = self.inbox.get(self.key, max_bytes=self.terms.max_bytes)
            options = _options(upload, self.terms.options)
            basis = receipts.basis(upload, options, self.hider.means(options))
            if receipt and _is_done(receipts.read(receipt.data), basis, file_version):
                self._remove(upload.version)
                return Outcome.DONE_BEFORE
            result = self.hider.hide(upload.data, options)
        except _PASSING:
            raise
        except Exception as error:
            if not isinstance(error, _REFUSALS):
                if not self.is_last:
                    raise
                _logger.exception("unexpected error")
            self._quarantine(upload.version if upload else found.version, upload, error)
            return Outcome.QUARANTINED
        version = self.outbox.replace(self.key, result.file, expected=file_version)
        self.outbox.replace(
            receipt_key(self.key),
            receipts.receipt(result, basis, output_version=version, now=self.clock()),
            expected=receipt.version if receipt else None,
        )
        self._remove(upload.version)
        return Outcome.DEIDENTIFIED

    def _remove(self, version: str) -> None:
        """Delete the original, if that is wanted. One that replaced it has an event of its own."""
        if self.terms.removes_originals:
            with contextlib.suppress(BlobChangedError):
                self.inbox.delete(self.key, expected=version)

    def _quarantine(self, version: str, upload: Blob | None, error: Exception) -> None:
        """Move a version of the file into quarantine, the reason and the removal last.

        Raises:
            BlobError: another version is there by now, or its place in quarantine was changed.
        """
        file_key, reason_key = quarantine_keys(self.key, self.outbox)
        file_version = _version(self.outbox, file_key)
        reason_version = _version(self.outbox, reason_key)
        self.outbox.copy(  # which looks at the inbox after the outbox was looked at, as above
            self.inbox, self.key, file_key, source_version=version, expected=file_version
        )
        data = upload.data if upload else None
        told = receipts.refusal(
            self.key, error, source_version=version, data=data, now=self.clock()
        )
        self.outbox.replace(reason_key, told, expected=reason_version)
        with contextlib.suppress(BlobChangedError):
            self.inbox.delete(self.key, expected=version)


def _version(blobs: Blobs, key: str) -> str | None:
    found = blobs.stat(key)
    return found.version if found else None


def _find(blobs: Blobs, key: str) -> Blob | None:
    return blobs.get(key) if blobs.stat(key) else None


def _check_name(key: str, outbox: Blobs) -> None:
    """See that a file and its receipt can lie in the outbox under this key.

    Raises:
        InvalidParameterError: they cannot.
    """
    if f"{key}/".startswith(QUARANTINE):  # a file of the very name would be in a folder's way
        raise InvalidParameterError("key", f"begins with {QUARANTINE}, as those of quarantine do")
    if key.endswith(_RECEIPT):
        raise InvalidParameterError("key", f"ends in {_RECEIPT}, as those of receipts do")
    if not (outbox.accepts(key) and outbox.accepts(receipt_key(key))):
        raise InvalidParameterError("key", "is not one that the outbox can have with a receipt")


def _options(upload: Blob, default: HideOptions) -> HideOptions:
    """Return the options that an upload names, or the default ones.

    Raises:
        InvalidParameterError: what was said of it cannot be read, or an option is not allowed.
    """
    if "unreadable" in upload.metadata:
        raise InvalidParameterError("metadata", "cannot be read")
    given = upload.metadata.get("options")
    return default if given is None else hide_options.read(given)


def _is_done(receipt: Json, basis: Json, file_version: str | None) -> bool:
    """Tell whether the receipt is that of the file beside it, and of what would be done now."""
    output = receipt.get("output")
    return (
        file_version is not None
        and isinstance(output, dict)
        and output.get("version") == file_version
        and all(receipt.get(name) == value for name, value in basis.items())
    )
