"""Why a photo could not be de-identified, in plain words for the person who provided it."""

from shared.core import errors
from shared.core.errors import FaceError

_REASONS: dict[type[FaceError], str] = {
    errors.UnsupportedImageError: "it is not a JPEG, PNG or BMP file",
    errors.ImageTooLargeError: "it has more bytes than UPLOAD_MAX_BYTES",
    errors.TooManyPixelsError: "it has more pixels than MAX_PIXELS",
    errors.AnalysisTimeoutError: "it took longer than ANALYSIS_TIMEOUT_S",
    errors.GroupNotFoundError: "the tenant has no group of this name",
    errors.FaceNotFoundError: "the group has no such face",
}


def in_words(error: Exception) -> str:
    """Return the reason, with the details that are known.

    For an unexpected error this is only its type, because its message may quote the photo.
    """
    if not isinstance(error, FaceError):
        return f"it failed unexpectedly: {type(error).__name__}"
    reason, about = _REASONS.get(type(error), ""), str(error)
    return f"{reason}: {about}" if reason and about else reason or about or type(error).__name__
