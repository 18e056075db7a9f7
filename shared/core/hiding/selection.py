"""Whose faces to show or to hide: the options `keep` and `only`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.core import parameters
from shared.core.errors import InvalidParameterError
from shared.core.recognition.models import GROUP_ID

_FIELDS = ("group", "faceIds", "externalImageIds", "similarity")
_MAX_IDS = 100
_MAX_ID_LENGTH = 255  # characters
_MAX_SIMILARITY = 100


class Mode(StrEnum):
    """What happens to the selected people."""

    KEEP = "keep"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Selection:
    """People of a group, selected by their faces there; without any id, the whole group.

    Attributes:
        mode: whether everyone else is hidden, or only these people.
        group_id: the name of the group.
        face_ids: ids of their faces.
        external_image_ids: labels of their faces.
        similarity: the minimum similarity, 1..100, of a face to one of theirs; None for the
            default.
    """

    mode: Mode
    group_id: str
    face_ids: tuple[str, ...] = ()
    external_image_ids: tuple[str, ...] = ()
    similarity: float | None = None

    @property
    def is_whole_group(self) -> bool:
        """Whether everyone in the group is selected."""
        return not self.face_ids and not self.external_image_ids


def parse(mode: Mode, given: object) -> Selection:
    """Return the selection in a JSON object.

    Raises:
        InvalidParameterError: a field is unknown, or its value is not allowed.
    """
    if not isinstance(given, dict):
        raise InvalidParameterError(mode, "must be an object")
    parameters.check_fields(given, _FIELDS, prefix=f"{mode}.")
    return Selection(
        mode=mode,
        group_id=parameters.matching(f"{mode}.group", given.get("group"), GROUP_ID),
        face_ids=_ids(mode, given, "faceIds"),
        external_image_ids=_ids(mode, given, "externalImageIds"),
        similarity=_similarity(mode, given),
    )


def to_json(people: Selection) -> dict[str, Any]:
    """Return the selection as a JSON object, for `parse`."""
    given = {
        "faceIds": list(people.face_ids),
        "externalImageIds": list(people.external_image_ids),
        "similarity": people.similarity,
    }
    return {"group": people.group_id} | {name: value for name, value in given.items() if value}


def _ids(mode: Mode, given: dict[str, object], field: str) -> tuple[str, ...]:
    """Return a list of ids. An empty list is refused: it could mean nobody or everybody."""
    if field not in given:
        return ()
    ids = given[field]
    if isinstance(ids, list) and 0 < len(ids) <= _MAX_IDS and all(map(_is_id, ids)):
        return tuple(dict.fromkeys(ids))
    raise InvalidParameterError(
        f"{mode}.{field}",
        f"must be a list of 1 to {_MAX_IDS} strings of 1 to {_MAX_ID_LENGTH} characters",
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_LENGTH and value.isprintable()


def _similarity(mode: Mode, given: dict[str, object]) -> float | None:
    if "similarity" not in given:
        return None
    value = given["similarity"]
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 1 <= value <= _MAX_SIMILARITY
    ):
        return float(value)
    reason = f"must be a number from 1 to {_MAX_SIMILARITY}"
    raise InvalidParameterError(f"{mode}.similarity", reason)
