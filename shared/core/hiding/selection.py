"""Whose faces to show, or whose to hide: the options `keep` and `only`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.core.errors import InvalidParameterError
from shared.core.recognition import groups

_FIELDS = ("group", "faceIds", "externalImageIds", "similarity")
_MAX_IDS = 100
_MAX_ID_LENGTH = 255  # characters
_MAX_SIMILARITY = 100  # similarity


class Mode(StrEnum):
    """What is done about the people selected."""

    KEEP = "keep"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Selection:
    """People of a group, by their faces there: all of them where no id is given.

    Attributes:
        mode: whether everyone else is hidden, or they alone.
        group_id: the name of the group.
        face_ids: faces of theirs.
        external_image_ids: labels of faces of theirs.
        similarity: 1..100, from which a face is taken for one of theirs; None for the default.
    """

    mode: Mode
    group_id: str
    face_ids: tuple[str, ...] = ()
    external_image_ids: tuple[str, ...] = ()
    similarity: float | None = None

    @property
    def is_whole_group(self) -> bool:
        """Whether everyone in the group is meant."""
        return not self.face_ids and not self.external_image_ids


def parse(mode: Mode, given: object) -> Selection:
    """Return the selection of a JSON object.

    Raises:
        InvalidParameterError: a field is unknown, or its value is not allowed.

    """
    if not isinstance(given, dict):
        raise InvalidParameterError(mode, "must be an object")
    for name in given:
        if name not in _FIELDS:
            reason = f"is not one of {', '.join(_FIELDS)}"
            raise InvalidParameterError(f"{mode}.{name[:40]}", reason)
    return Selection(
        mode=mode,
        group_id=_group_id(f"{mode}.group", given.get("group")),
        face_ids=_ids(f"{mode}.faceIds", given["faceIds"]) if "faceIds" in given else (),
        external_image_ids=(
            _ids(f"{mode}.externalImageIds", given["externalImageIds"])
            if "externalImageIds" in given
            else ()
        ),
        similarity=(
            _similarity(f"{mode}.similarity", given["similarity"])
            if "similarity" in given
            else None
        ),
    )


def to_json(people: Selection) -> dict[str, Any]:
    """Return the JSON object of a selection, for `parse`."""
    given: dict[str, Any] = {"group": people.group_id}
    if people.face_ids:
        given["faceIds"] = list(people.face_ids)
    if people.external_image_ids:
        given["externalImageIds"] = list(people.external_image_ids)
    if people.similarity is not None:
        given["similarity"] = people.similarity
    return given


def _group_id(name: str, value: object) -> str:
    if isinstance(value, str) and groups.is_group_id(value):
        return value
    raise InvalidParameterError(name, "is not of [a-z0-9-]{1,255}")


def _ids(name: str, value: object) -> tuple[str, ...]:
    """Return a list of ids; an empty one could mean nobody or everybody, so it is refused."""
    if isinstance(value, list) and 0 < len(value) <= _MAX_IDS and all(map(_is_id, value)):
        return tuple(dict.fromkeys(value))
    raise InvalidParameterError(
        name, f"must be a list of 1 to {_MAX_IDS} texts of 1 to {_MAX_ID_LENGTH} characters"
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_LENGTH and value.isprintable()


def _similarity(name: str, value: object) -> float:
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 1 <= value <= _MAX_SIMILARITY
    ):
        return float(value)
    raise InvalidParameterError(name, f"must be a number from 1 to {_MAX_SIMILARITY}")
