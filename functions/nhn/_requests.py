"""From a request's path, query and JSON to core values."""

import re

from shared.app import App
from shared.core import parameters
from shared.core.errors import InvalidParameterError
from shared.core.recognition.detection import ImageInput
from shared.core.recognition.models import GROUP_ID, Group
from shared.core.recognition.paging import PageRequest
from shared.http import Request
from shared.http.request import decode_base64

_EXTERNAL_IMAGE_ID = "[a-zA-Z0-9_.:-]{1,255}"
_DIGITS = re.compile(r"[0-9]{1,9}")
_MAX_PAGE = 200  # items


def group_id(request: Request) -> str:
    """Return the name of the group in the path.

    Raises:
        InvalidParameterError: a group cannot have this name.
    """
    return parameters.matching("group-id", request.path_parameters["groupId"], GROUP_ID)


def group(request: Request, app: App) -> Group:
    """Return the group in the path, as it is now.

    Raises:
        InvalidParameterError: a group cannot have this name.
        GroupNotFoundError: the caller's tenant has no such group.
    """
    return app.groups.get(request.caller.tenant, group_id(request))


def new_group_id(request: Request) -> str:
    """Return the name of the group to create; it is not checked yet."""
    name = request.json.get("groupId")
    if not isinstance(name, str):
        raise InvalidParameterError("groupId", "must be a string")
    return name


def query_integer(request: Request, name: str, *, low: int, high: int) -> int:
    """Return a required integer of the query."""
    return _integer(request.query.get(name), name, low, high)


def body_integer(request: Request, name: str, *, low: int, high: int) -> int:
    """Return a required integer of the body."""
    return _integer(request.json.get(name), name, low, high)


def compare_threshold(request: Request) -> int:
    """Return the threshold of /compare from the query, or else from the body."""
    read = query_integer if "threshold" in request.query else body_integer
    return read(request, "threshold", low=1, high=100)


def page(request: Request, app: App, listing: str) -> PageRequest:
    """Return which page of a listing to return.

    Args:
        request: has the limit, or the token of a page, which brings the limit of the first page.
        app: has the secret that signs tokens.
        listing: identifies the listing among those of the caller's key.
    """
    token = request.query.get("next-token")
    limit = (
        _MAX_PAGE if token is not None else query_integer(request, "limit", low=1, high=_MAX_PAGE)
    )
    return PageRequest(limit, token, (request.caller.key_hash, listing), app.key_secret)


def image(request: Request, name: str) -> ImageInput:
    """Return an image of the body: exactly one of its `url` and `bytes`.

    Raises:
        InvalidParameterError: neither or both are given, or the bytes are not base64.
    """
    given = request.json.get(name)
    if not isinstance(given, dict):
        raise InvalidParameterError(name, "must be an object")
    url, data = given.get("url"), given.get("bytes")
    if (url is None) == (data is None):
        raise InvalidParameterError(name, "must have exactly one of url and bytes")
    if url is not None:
        return ImageInput(url=_string(url, f"{name}.url"))
    return ImageInput(data=decode_base64(_string(data, f"{name}.bytes"), f"{name}.bytes"))


def external_image_id(request: Request) -> str | None:
    """Return the caller's own label of the image, if there is one."""
    label = request.json.get("externalImageId")
    if label is None:
        return None
    return parameters.matching("externalImageId", label, _EXTERNAL_IMAGE_ID)


def _string(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(name, "must be a string")
    return value


def _integer(value: object, name: str, low: int, high: int) -> int:
    """Return an integer that is given as a number or as a string of digits."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    return parameters.integer(name, value, low, high)
