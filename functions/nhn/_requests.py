"""From a request's path, query and JSON to core values."""

import re
from typing import Any

from shared.app import App
from shared.core.errors import InvalidParameterError
from shared.core.recognition import groups
from shared.core.recognition.detection import ImageInput
from shared.core.recognition.models import Group
from shared.http.request import Request, decode_base64

_EXTERNAL_IMAGE_ID = re.compile(r"[a-zA-Z0-9_.:\-]{1,255}")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


def group_id(request: Request) -> str:
    """Return the group of the path.

    Raises:
        InvalidParameterError: no group can have this name.
    """
    name = request.path_parameters["groupId"]
    if not groups.is_group_id(name):
        raise InvalidParameterError("group-id", "is not of [a-z0-9-]{1,255}")
    return name


def group(request: Request, app: App) -> Group:
    """Return the group of the path, as it is now.

    Raises:
        InvalidParameterError: no group can have this name.
        GroupNotFoundError: the caller's tenant has no such group.
    """
    return app.groups.get(request.caller.tenant, group_id(request))


def new_group_id(request: Request) -> str:
    """Return the name of the group to create."""
    name = request.json.get("groupId")
    if not isinstance(name, str):
        raise InvalidParameterError("groupId", "must be a text")
    return name


def query_integer(request: Request, name: str, *, low: int, high: int) -> int:
    """Return a required whole number of the query."""
    return _integer(request.query.get(name), name, low, high)


def body_integer(request: Request, name: str, *, low: int, high: int) -> int:
    """Return a required whole number of the body."""
    return _integer(request.json.get(name), name, low, high)


def compare_threshold(request: Request) -> int:
    """Return the threshold of /compare: of the query, or else of the body."""
    if "threshold" in request.query:
        return query_integer(request, "threshold", low=1, high=100)
    return body_integer(request, "threshold", low=1, high=100)


def page(request: Request, *, highest_limit: int) -> tuple[int, str | None]:
    """Return the limit and the token of a listing; with a token its own limit holds."""
    token = request.query.get("next-token")
    if token is not None:
        return highest_limit, token
    return query_integer(request, "limit", low=1, high=highest_limit), None


def image(request: Request, name: str) -> ImageInput:
    """Return an image of the body: exactly one of its `url` and `bytes`.

    Raises:
        InvalidParameterError: there is none, both are given, or the bytes are no base64.
    """
    given = request.json.get(name)
    if not isinstance(given, dict):
        raise InvalidParameterError(name, "must be an object")
    url, data = given.get("url"), given.get("bytes")
    if (url is None) == (data is None):
        raise InvalidParameterError(name, "must have exactly one of url and bytes")
    if url is not None:
        return ImageInput(url=_text(url, f"{name}.url"))
    return ImageInput(data=decode_base64(_text(data, f"{name}.bytes"), f"{name}.bytes"))


def external_image_id(request: Request) -> str | None:
    """Return the caller's own label of the image."""
    label = request.json.get("externalImageId")
    if label is None:
        return None
    if not isinstance(label, str) or not _EXTERNAL_IMAGE_ID.fullmatch(label):
        raise InvalidParameterError("externalImageId", "is not of [a-zA-Z0-9_.:-]{1,255}")
    return label


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(name, "must be a text")
    return value


def _integer(value: Any, name: str, low: int, high: int) -> int:
    """Return a number that is given as one, or as a text of digits."""
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidParameterError(name, f"must be a whole number from {low} to {high}")
    return value
