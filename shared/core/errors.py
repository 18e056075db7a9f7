"""Everything that can go wrong, as one tree.

Each class is one sentence about what happened. How a caller hears of it (code, wording, HTTP
status) is a dialect's business: `functions/<vendor>/_dialect.py` has a row for every class here,
found by the nearest ancestor.

    FaceError
      BodyTooLargeError
      AccessError
        MissingKeyError
        UnknownKeyError
        BlockedKeyError
        ForbiddenSubpathError
        UnknownApiError
      InvalidParameterError
      ImageError
        UnsupportedImageError
        CorruptImageError
        TooManyPixelsError
        NoFaceError
        ImageTooLargeError
        ImageUrlError
        ImageDownloadTimeoutError
      GroupError
        InvalidGroupIdError
        GroupExistsError
        GroupNotFoundError
        GroupFullError
        FaceNotFoundError
      InvalidTokenError
      AnalysisTimeoutError
      StoreUnavailableError
"""


class FaceError(Exception):
    """A call could not be served; the ancestor of every error a caller may be told of."""


class BodyTooLargeError(FaceError):
    """The body of the request is larger than this deployment takes."""


class AccessError(FaceError):
    """The caller may not do this."""


class MissingKeyError(AccessError):
    """The request carries no API key."""


class UnknownKeyError(AccessError):
    """The API key is not one of ours."""


class BlockedKeyError(AccessError):
    """The operator has blocked the API key."""


class ForbiddenSubpathError(AccessError):
    """The path lies below an API, where nothing may be called."""


class UnknownApiError(AccessError):
    """There is no API at this path."""


class InvalidParameterError(FaceError):
    """A parameter is missing, malformed or out of range; `parameter` names it."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter} {reason}")
        self.parameter = parameter
        self.reason = reason


class ImageError(FaceError):
    """The image cannot be used."""


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


class InvalidTokenError(FaceError):
    """A paging token is broken, expired, or was made for another listing."""


class AnalysisTimeoutError(FaceError):
    """The analysis took longer than this deployment allows."""


class StoreUnavailableError(FaceError):
    """The store did not take the call, also after it was asked again; nothing was changed."""
