"""From a request's form to core values."""

import re

from shared.config import Settings
from shared.core.errors import (
    BodyTooLargeError,
    ImageTooLargeError,
    ImageTooSmallError,
    InvalidParameterError,
)
from shared.core.recognition.models import PersonId
from shared.http import multipart
from shared.http.multipart import Form
from shared.http.request import Request

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_GENDERS = ("0", "1")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,3}")
_OLDEST = 150  # years


def form(request: Request) -> Form:
    """Return the form of the request.

    Raises:
        InvalidParameterError: the body is none, or the form has no image.
    """
    given = multipart.parse(request.body, request.headers.get("content-type", ""))
    if "image" not in given.files:
        raise InvalidParameterError("image", "is missing")
    return given


def person_id(given: Form, *, tenant: str) -> PersonId:
    """Return whom the form is about.

    Raises:
        InvalidParameterError: the company or the id is missing, or not of [A-Za-z0-9_-]{1,64}.
    """
    return PersonId(tenant, company=_name(given, "company"), user_id=_name(given, "id"))


def check_details(given: Form) -> None:
    """Check the gender and the age, which are taken and then forgotten.

    Raises:
        InvalidParameterError: one is given and cannot be.
    """
    gender, age = given.texts.get("gender", ""), given.texts.get("age", "")
    if gender and gender not in _GENDERS:
        raise InvalidParameterError("gender", "must be 1 (male) or 0 (female)")
    if age and not (_WHOLE_NUMBER.fullmatch(age) and int(age) <= _OLDEST):
        raise InvalidParameterError("age", f"must be a whole number from 0 to {_OLDEST}")


def image_file(request: Request, given: Form, settings: Settings) -> bytes:
    """Return the image of the form.

    Raises:
        BodyTooLargeError: the whole request is larger than is taken.
        ImageTooSmallError: the image is smaller than is taken.
        ImageTooLargeError: it is larger.
    """
    image = given.files["image"]
    if len(request.body) > settings.withmind_max_request_bytes:
        raise BodyTooLargeError
    if len(image) < settings.withmind_min_image_bytes:
        raise ImageTooSmallError
    if len(image) > settings.withmind_max_image_bytes:
        raise ImageTooLargeError
    return image


def _name(given: Form, field: str) -> str:
    name = given.texts.get(field, "")
    if not _NAME.fullmatch(name):
        raise InvalidParameterError(field, "is not of [A-Za-z0-9_-]{1,64}")
    return name
