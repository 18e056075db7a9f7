"""Processes a file in the inbox.

The file comes out of the outbox de-identified, under the same key, with a receipt beside it. If it
cannot be processed, it goes into quarantine together with the reason. An unexpected error may be
transient, such as a lack of memory. So only the last attempt treats it as a reason.

The content that is under the key now is processed. So it does no harm if a key is reported twice,
late, out of order or to several processes at once, or if its file is replaced during the work:

- The outbox is read before the inbox, and only written if it has not changed since. A process that
  finds a change starts again with what is in the inbox by then. So a slow process never overwrites
  the outcome of a newer file.
- The receipt is written last, and names the version of the file beside it. Only both together mean
  that the work is done: if a process dies before that, the work is repeated.
- An original is deleted last, and only in the version that was processed.
"""

import contextlib
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.core import errors
from shared.core.blobs import Blob, Blobs
from shared.core.hiding import hide_options
from shared.core.hiding.deidentify import Deidentified
from shared.core.hiding.hide_options import HideOptions
from shared.core.uploads import receipts
from shared.core.uploads.receipts import Json

QUARANTINE = "quarantine/"
"""Starts the keys of files that could not be processed, and of the reasons."""

_RECEIPT = ".json"
ATTEMPTS = 3  # each fails only if another process changes the file or its outcome
_REFUSALS = (
    errors.ImageError, errors.InvalidParameterError, errors.GroupError, errors.UnknownModelError,
    errors.AnalysisTimeoutError,
)  # fmt: skip
_TRANSIENT = (errors.BlobError, errors.StoreUnavailableError)

_logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """The result for an upload: it was gone, was already done, or was processed now."""

    ABSENT = "absent"
    DONE_BEFORE = "done before"
    DEIDENTIFIED = "deidentified"
    QUARANTINED = "quarantined"


class Hider(Protocol):
    """De-identifies files."""

    def basis(self, options: HideOptions) -> Json:
        """Return what the outcome depends on besides file and options: models, and the group.

        Raises:
            InvalidParameterError, GroupError: as `hide` does.
        """

    def hide(self, data: bytes, options: HideOptions) -> Deidentified:
        """Return the file de-identified; if it shows no face, only its metadata is removed.

        Raises:
            ImageError: the file cannot be used.
            InvalidParameterError: the options cannot be followed.
            GroupError: the people that the options name cannot be found.
            UnknownModelError: this deployment does not have the model that enrolled them.
            AnalysisTimeoutError: it took too long.
        """


@dataclass(frozen=True, slots=True)
class Pipeline:
    """From where to where uploads go, and how.

    Attributes:
        inbox: where the files are.
        outbox: where the outcomes go.
        hider: de-identifies the files.
        default_options: of files that bring no options.
        max_bytes: larger files are refused.
        removes_originals: whether originals are removed after processing; originals of quarantined
            files always are.
        clock: returns the time, in seconds since 1970, UTC.
    """

    inbox: Blobs
    outbox: Blobs
    hider: Hider
    default_options: HideOptions
    max_bytes: int
    removes_originals: bool
    clock: Callable[[], float]


def process(key: str, pipeline: Pipeline, *, is_last: bool) -> Outcome:
    """Process the file under a key of the inbox.

    Args:
        key: of the file.
        pipeline: where it is, and what to do with it.
        is_last: whether this is the last attempt. Then an unexpected error is a reason to
            quarantine the file too; otherwise it is raised.

    Raises:
        BlobChangedError: others kept changing the file or its outcome; try again later.
        StoreUnavailableError: a store did not accept a call; try again later.
    """
    for _ in range(ATTEMPTS):
        with contextlib.suppress(errors.BlobError):
            return _attempt(key, pipeline, is_last=is_last)
    raise errors.BlobChangedError(key)


def receipt_key(key: str) -> str:
    """Return the key of a file's receipt in the outbox."""
    return key + _RECEIPT


def quarantine_keys(key: str, outbox: Blobs) -> tuple[str, str]:
    """Return the keys in quarantine of a file and of the reason.

    They contain the key of the file, or its SHA-256 if the outbox does not accept such a key. They
    differ from those of every other file, and from the keys of receipts and outcomes.
    """
    file, reason = f"{QUARANTINE}files/{key}", f"{QUARANTINE}reasons/{key}{_RECEIPT}"
    if outbox.accepts(file) and outbox.accepts(reason):
        return file, reason
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    return f"{QUARANTINE}hashed/{digest}", f"{QUARANTINE}hashed/{digest}{_RECEIPT}"


def _attempt(key: str, pipeline: Pipeline, *, is_last: bool) -> Outcome:
    """Process the file.

    Raises:
        BlobError: the file or its outcome changed during the work.
        StoreUnavailableError: a store did not accept a call.
    """
    inbox, outbox, hider = pipeline.inbox, pipeline.outbox, pipeline.hider
    file_version = _version(outbox, key)
    receipt = outbox.get(receipt_key(key)) if outbox.stat(receipt_key(key)) else None
    found = inbox.stat(key)
    if found is None:
        return Outcome.ABSENT
    upload = None
    try:
        _check_name(key, outbox)
        if found.size > pipeline.max_bytes:
            raise errors.ImageTooLargeError
        upload = inbox.get(key, max_bytes=pipeline.max_bytes)
        options = _options(upload, pipeline.default_options)
        basis = receipts.basis(upload, options, hider.basis(options))
        if receipt and _is_done(receipts.read(receipt.data), basis, file_version):
            _remove_original(key, pipeline, upload.version)
            return Outcome.DONE_BEFORE
        result = hider.hide(upload.data, options)
    except _TRANSIENT:
        raise
    except Exception as error:
        if not isinstance(error, _REFUSALS):
            if not is_last:
                raise
            _logger.exception("unexpected error")
        _quarantine(key, pipeline, upload.version if upload else found.version, upload, error)
        return Outcome.QUARANTINED
    version = outbox.replace(key, result.file, expected=file_version)
    outbox.replace(
        receipt_key(key),
        receipts.receipt(result, basis, output_version=version, now=pipeline.clock()),
        expected=receipt.version if receipt else None,
    )
    _remove_original(key, pipeline, upload.version)
    return Outcome.DEIDENTIFIED


def _remove_original(key: str, pipeline: Pipeline, version: str) -> None:
    """Delete the original if that is wanted, but not a newer version: it has its own event."""
    if pipeline.removes_originals:
        with contextlib.suppress(errors.BlobChangedError):
            pipeline.inbox.delete(key, expected=version)


def _quarantine(
    key: str, pipeline: Pipeline, version: str, upload: Blob | None, error: Exception
) -> None:
    """Move a version of the file into quarantine: copy, write the reason, delete the original.

    Raises:
        BlobError: the file or its place in quarantine changed during the work.
    """
    inbox, outbox = pipeline.inbox, pipeline.outbox
    file_key, reason_key = quarantine_keys(key, outbox)
    file_version, reason_version = _version(outbox, file_key), _version(outbox, reason_key)
    # This reads the inbox after the outbox, as explained above.
    outbox.copy(inbox, key, file_key, source_version=version, expected=file_version)
    data = upload.data if upload else None
    reason = receipts.refusal(key, error, source_version=version, data=data, now=pipeline.clock())
    outbox.replace(reason_key, reason, expected=reason_version)
    with contextlib.suppress(errors.BlobChangedError):
        inbox.delete(key, expected=version)


def _version(blobs: Blobs, key: str) -> str | None:
    found = blobs.stat(key)
    return found.version if found else None


def _check_name(key: str, outbox: Blobs) -> None:
    """Check that the outbox can hold a file and its receipt under this key.

    Raises:
        InvalidParameterError: it cannot.
    """
    if f"{key}/".startswith(QUARANTINE):  # a file named `quarantine` would block the folder
        raise errors.InvalidParameterError("key", f"must not start with {QUARANTINE}")
    if key.endswith(_RECEIPT):
        raise errors.InvalidParameterError("key", f"must not end in {_RECEIPT}, like a receipt")
    if not (outbox.accepts(key) and outbox.accepts(receipt_key(key))):
        raise errors.InvalidParameterError(
            "key", "is not possible in the outbox together with a receipt"
        )


def _options(upload: Blob, default: HideOptions) -> HideOptions:
    """Return the options of an upload, or the default options if it brings none.

    Raises:
        InvalidParameterError: the metadata cannot be read, or an option is not allowed.
    """
    if "unreadable" in upload.metadata:
        raise errors.InvalidParameterError("metadata", "cannot be read")
    given = upload.metadata.get("options")
    return default if given is None else hide_options.read(given)


def _is_done(receipt: Json, basis: Json, file_version: str | None) -> bool:
    """Return whether the receipt belongs to the file beside it and has the same basis."""
    output = receipt.get("output")
    return (
        file_version is not None
        and isinstance(output, dict)
        and output.get("version") == file_version
        and all(receipt.get(name) == value for name, value in basis.items())
    )
