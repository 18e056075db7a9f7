"""From a request's form to core values."""

import re

from shared.config import Settings
from shared.core import errors, parameters
from shared.core.recognition.models import PersonId
from shared.http import Request, multipart
from shared.http.multipart import Form

_NAME = "[A-Za-z0-9_-]{1,64}"
_GENDERS = ("0", "1")
_AGE = re.compile(r"[0-9]{1,3}")
_MAX_AGE = 150  # years


def form(request: Request) -> Form:
    """Return the form of the request.

    Raises:
        InvalidParameterError: the body is not a form, or the form has no image.
    """
    given = multipart.parse(request.body, request.headers.get("content-type", ""))
    if "image" not in given.files:
        raise errors.InvalidParameterError("image", "is missing")
    return given


def person_id(given: Form, *, tenant: str) -> PersonId:
    """Return the person that the form names.

    Raises:
        InvalidParameterError: the company or the id is missing, or does not match
            [A-Za-z0-9_-]{1,64}.
    """
    company, user_id = (
        parameters.matching(field, given.texts.get(field), _NAME) for field in ("company", "id")
    )
    return PersonId(tenant, company, user_id)


def check_details(given: Form) -> None:
    """Check the gender and the age; they are accepted but not stored.

    Raises:
        InvalidParameterError: one is given and is not valid.
    """
    gender, age = given.texts.get("gender", ""), given.texts.get("age", "")
    if gender and gender not in _GENDERS:
        raise errors.InvalidParameterError("gender", "must be 1 (male) or 0 (female)")
    if age and not (_AGE.fullmatch(age) and int(age) <= _MAX_AGE):
        raise errors.InvalidParameterError("age", f"must be an integer from 0 to {_MAX_AGE}")


def image_file(request: Request, given: Form, settings: Settings) -> bytes:
    """Return the image of the form.

    Raises:
        BodyTooLargeError: the whole request is larger than allowed.
        ImageTooSmallError: the image file is smaller than allowed.
        ImageTooLargeError: the image file is larger than allowed.
    """
    image = given.files["image"]
    if len(request.body) > settings.withmind_max_request_bytes:
        raise errors.BodyTooLargeError
    if len(image) < settings.withmind_min_image_bytes:
        raise errors.ImageTooSmallError
    if len(image) > settings.withmind_max_image_bytes:
        raise errors.ImageTooLargeError
    return image
