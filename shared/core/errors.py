"""Everything that can go wrong, as one tree.

Each class says in one sentence what happened. The answer to the caller (code, wording, HTTP
status) is up to the dialect: the table in `functions/<vendor>/_dialect.py` has a row for every
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

Callers of the API never see the errors of blob stores; the code that uses a store handles them:

    BlobError
      BlobNotFoundError
      BlobChangedError
      BlobTooLargeError

Nor do they see this one, which means damaged data that an operator has to look at:

    SealError
"""


class FaceError(Exception):
    """A call could not be served; the base of every error that a caller may see."""


class BodyTooLargeError(FaceError):
    """The body of the request is larger than this deployment accepts."""


class AnswerTooLargeError(BodyTooLargeError):
    """The answer is larger than this platform can send."""


class AccessError(FaceError):
    """The caller may not do this."""


class MissingKeyError(AccessError):
    """The request carries no API key."""


class UnknownKeyError(AccessError):
    """The API key is not known."""


class BlockedKeyError(AccessError):
    """The operator has blocked the API key."""


class ForbiddenAddressError(AccessError):
    """The caller's address is in none of the networks of the API key."""


class TooManyKeysError(AccessError):
    """Too many distinct API keys were used from the caller's address."""


class TooManyAddressesError(AccessError):
    """The API key was used from too many distinct addresses."""


class ForbiddenSubpathError(AccessError):
    """The path is below an API, where there is nothing to call, or the key may not use it."""


class UnknownApiError(AccessError):
    """There is no API at this path."""


class LimitError(AccessError):
    """The API key has used up a limit; `used_today` is the number of its calls counted today."""

    def __init__(self, used_today: int = 0) -> None:
        super().__init__()
        self.used_today = used_today


class ConcurrencyLimitError(LimitError):
    """Too many calls of the API key are in flight, or they follow each other too fast."""


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
    """The file is of a type that is not accepted."""


class CorruptImageError(ImageError):
    """The file looks like an image but cannot be decoded."""


class TooManyPixelsError(ImageError):
    """The image has more pixels than this deployment decodes."""


class NoFaceError(ImageError):
    """No face was found in the image."""


class ImageTooLargeError(ImageError):
    """The image file has more bytes than are accepted."""


class ImageTooSmallError(ImageError):
    """The image file has fewer bytes than are accepted."""


class ImageUrlError(ImageError):
    """The image cannot be fetched from the URL; the reason stays secret, like our network."""


class ImageDownloadTimeoutError(ImageError):
    """The image did not arrive from the URL in time."""


class GroupError(FaceError):
    """Something is wrong with a group of faces."""


class InvalidGroupIdError(GroupError):
    """A group cannot have this name."""


class GroupExistsError(GroupError):
    """The tenant already has a group of this name."""


class GroupNotFoundError(GroupError):
    """The tenant has no group of this name."""


class GroupFullError(GroupError):
    """The group is at its maximum number of faces."""


class FaceNotFoundError(GroupError):
    """The group has no face of this id."""


class PersonNotFoundError(FaceError):
    """The tenant's company has not enrolled a person of this id."""


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
    """A blob is not as expected; the key is the message."""


class BlobNotFoundError(BlobError):
    """There is no blob with this key."""


class BlobChangedError(BlobError):
    """The blob no longer has the expected version; nothing was done."""


class BlobTooLargeError(BlobError):
    """The blob has more bytes than the caller wants to read."""


class SealError(Exception):
    """Sealed data was changed or belongs to something else; the data or a key is damaged."""
