"""Options that say what to hide and how: of a call, of an upload or of the command line."""

import json
from dataclasses import dataclass
from typing import Any

from shared.core import parameters
from shared.core.errors import InvalidParameterError
from shared.core.hiding import selection
from shared.core.hiding.ports import HideMethod
from shared.core.hiding.selection import Mode, Selection

_OPTIONS = ("method", "min_face", "threshold", "draw", *Mode)
_MAX_MIN_FACE = 100_000  # pixels


@dataclass(frozen=True, slots=True)
class HideOptions:
    """What to hide and how.

    Attributes:
        method: how each face is hidden.
        min_face: faces whose shorter side has fewer pixels are left alone.
        threshold: the minimum confidence of a face, 0..1; None for the detector's default.
        draw: whether to draw a rectangle around each hidden face.
        people: whose faces to keep, or whose faces alone to hide; None to hide every face.
    """

    method: HideMethod = HideMethod.VEIL
    min_face: int = 0
    threshold: float | None = None
    draw: bool = False
    people: Selection | None = None


def parse(given: object) -> HideOptions:
    """Return the options in a JSON object, or the default options for None.

    Raises:
        InvalidParameterError: an option is unknown or its value is not allowed. No option is
            ignored silently.
    """
    if given is None:
        return HideOptions()
    if not isinstance(given, dict):
        raise InvalidParameterError("options", "must be an object")
    parameters.check_fields(given, _OPTIONS)
    default = HideOptions()
    return HideOptions(
        method=_method(given.get("method", default.method)),
        min_face=parameters.integer(
            "min_face", given.get("min_face", default.min_face), 0, _MAX_MIN_FACE
        ),
        threshold=_threshold(given["threshold"]) if "threshold" in given else None,
        draw=_draw(given.get("draw", default.draw)),
        people=_people(given),
    )


def read(text: str) -> HideOptions:
    """Return the options in a JSON text, as `parse` does.

    Raises:
        InvalidParameterError: the text is not JSON, or `parse` refuses it.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidParameterError("options", "must be JSON") from None
    return parse(given)


def to_json(options: HideOptions) -> dict[str, Any]:
    """Return the effective options, for `parse`; no threshold means the detector's default."""
    given: dict[str, Any] = {
        "method": options.method.value,
        "min_face": options.min_face,
        "draw": options.draw,
    }
    if options.threshold is not None:
        given["threshold"] = options.threshold
    if options.people:
        given[options.people.mode.value] = selection.to_json(options.people)
    return given


def _method(value: object) -> HideMethod:
    if isinstance(value, str) and value in set(HideMethod):
        return HideMethod(value)
    raise InvalidParameterError("method", f"must be one of {', '.join(HideMethod)}")


def _threshold(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    raise InvalidParameterError("threshold", "must be a number between 0 and 1")


def _draw(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidParameterError("draw", "must be true or false")


def _people(given: dict[str, object]) -> Selection | None:
    modes = [mode for mode in Mode if mode in given]
    if len(modes) > 1:
        raise InvalidParameterError("keep", "and only exclude each other")
    return selection.parse(modes[0], given[modes[0]]) if modes else None
