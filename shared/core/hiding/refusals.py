"""Why a photo could not be de-identified, in plain words for who gave it."""

from shared.core.errors import (
    AnalysisTimeoutError,
    FaceError,
    FaceNotFoundError,
    GroupNotFoundError,
    ImageTooLargeError,
    TooManyPixelsError,
    UnsupportedImageError,
)

_REASONS: dict[type[FaceError], str] = {
    UnsupportedImageError: "it is no JPEG, PNG or BMP file",
    ImageTooLargeError: "it has more bytes than UPLOAD_MAX_BYTES",
    TooManyPixelsError: "it has more pixels than MAX_PIXELS",
    AnalysisTimeoutError: "it took longer than ANALYSIS_TIMEOUT_S",
    GroupNotFoundError: "the tenant has no group of this name",
    FaceNotFoundError: "the group has no such face",
}


def in_words(error: Exception) -> str:
    """Return the reason, with what it is about where that is known.

    For an unexpected error this is only its type: its message may quote the photo.
    """
    if not isinstance(error, FaceError):
        return f"it failed unexpectedly: {type(error).__name__}"
    reason, about = _REASONS.get(type(error), ""), str(error)
    return f"{reason}: {about}" if reason and about else reason or about or type(error).__name__
