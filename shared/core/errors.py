"""Everything that can go wrong, as one tree.

Each class is one sentence about what happened. How a caller hears of it (code, wording, HTTP
status) is a dialect's business: the table in `functions/<vendor>/_dialect.py` has a row for every
class here or for an ancestor of it; the nearest counts.

    FaceError
      BodyTooLargeError
        AnswerTooLargeError
      AccessError
        MissingKeyError
        UnknownKeyError
        BlockedKeyError
        ForbiddenAddressError
        TooManyKeysError
        TooManyAddressesError
        ForbiddenSubpathError
        UnknownApiError
        LimitError
          ConcurrencyLimitError
          DailyLimitError
          MonthlyLimitError
          YearlyLimitError
      InvalidParameterError
      ImageError
        UnsupportedImageError
        CorruptImageError
        TooManyPixelsError
        NoFaceError
        ImageTooLargeError
        ImageTooSmallError
        ImageUrlError
        ImageDownloadTimeoutError
      GroupError
        InvalidGroupIdError
        GroupExistsError
        GroupNotFoundError
        GroupFullError
        FaceNotFoundError
      PersonNotFoundError
      UnknownModelError
      InvalidTokenError
      AnalysisTimeoutError
      StoreUnavailableError

No caller hears of what the stores of blobs raise; whoever asks them knows what to do about it:

    BlobError
      BlobNotFoundError
      BlobChangedError
      BlobTooLargeError

Nor does anyone hear of this one, which is a damage that an operator has to look at:

    SealError
"""


class FaceError(Exception):
    """A call could not be served; the ancestor of every error a caller may be told of."""


class BodyTooLargeError(FaceError):
    """The body of the request is larger than this deployment takes."""


class AnswerTooLargeError(BodyTooLargeError):
    """The answer is larger than can be sent from where this runs."""


class AccessError(FaceError):
    """The caller may not do this."""


class MissingKeyError(AccessError):
    """The request carries no API key."""


class UnknownKeyError(AccessError):
    """The API key is not one of ours."""


class BlockedKeyError(AccessError):
    """The operator has blocked the API key."""


class ForbiddenAddressError(AccessError):
    """The caller's address lies in none of the networks of the API key."""


class TooManyKeysError(AccessError):
    """More distinct API keys were used from the caller's address than may be."""


class TooManyAddressesError(AccessError):
    """The API key was used from more distinct addresses than it may be."""


class ForbiddenSubpathError(AccessError):
    """The path lies below an API, where nothing may be called, or is not one of the API key's."""


class UnknownApiError(AccessError):
    """There is no API at this path."""


class LimitError(AccessError):
    """The API key has used up a limit; `used_today` is how many of its calls counted today."""

    def __init__(self, used_today: int = 0) -> None:
        super().__init__()
        self.used_today = used_today


class ConcurrencyLimitError(LimitError):
    """As many calls of the API key are in flight as may be, or they follow each other too fast."""


class DailyLimitError(LimitError):
    """The API key has used up its calls of the day."""


class MonthlyLimitError(LimitError):
    """The API key has used up its calls of the month."""


class YearlyLimitError(LimitError):
    """The API key has used up its calls of the year."""


class InvalidParameterError(FaceError):
    """A parameter is missing, malformed or out of range; `parameter` names it."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter} {reason}")
        self.parameter = parameter
        self.reason = reason


class ImageError(FaceError):
    """The image cannot be used; `which` names it where a call has more than one."""

    which: str = ""


class UnsupportedImageError(ImageError):
    """The file is of a type that is not taken here."""


class CorruptImageError(ImageError):
    """The file says that it is an image and cannot be decoded as one."""


class TooManyPixelsError(ImageError):
    """The image has more pixels than are decoded here."""


class NoFaceError(ImageError):
    """No face was found in the image."""


class ImageTooLargeError(ImageError):
    """The image file has more bytes than are taken here."""


class ImageTooSmallError(ImageError):
    """The image file has fewer bytes than are taken here."""


class ImageUrlError(ImageError):
    """The image cannot be had from the URL; why is never said: it would tell of our network."""


class ImageDownloadTimeoutError(ImageError):
    """The image did not arrive from the URL in time."""


class GroupError(FaceError):
    """Something is wrong with a group of faces."""


class InvalidGroupIdError(GroupError):
    """A group cannot have this name."""


class GroupExistsError(GroupError):
    """There is a group of this name already."""


class GroupNotFoundError(GroupError):
    """The tenant has no group of this name."""


class GroupFullError(GroupError):
    """The group holds as many faces as a group may."""


class FaceNotFoundError(GroupError):
    """The group has no face of this id."""


class PersonNotFoundError(FaceError):
    """The tenant's company has enrolled no person of this id."""


class UnknownModelError(FaceError):
    """The faces were enrolled by an embedder that this deployment does not have."""

    def __init__(self, model_version: str) -> None:
        super().__init__(
            f"the faces were enrolled by the model {model_version!r}, which is not here: enrol anew"
        )
        self.model_version = model_version


class InvalidTokenError(FaceError):
    """A paging token is broken, expired, or was made for another listing."""


class AnalysisTimeoutError(FaceError):
    """The analysis took longer than this deployment allows."""


class StoreUnavailableError(FaceError):
    """The store did not take the call, also after it was asked again and again."""


class BlobError(Exception):
    """A blob is not as it was thought to be; the key is the message."""


class BlobNotFoundError(BlobError):
    """There is no blob of this key."""


class BlobChangedError(BlobError):
    """The blob is not of the version that was expected any more, and nothing was done."""


class BlobTooLargeError(BlobError):
    """The blob has more bytes than were to be read."""


class SealError(Exception):
    """A sealed text was changed, or belongs to something else; the data or a key is damaged."""
