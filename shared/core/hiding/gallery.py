"""Decides which faces to hide under `keep` and `only`.

When in doubt, a face is hidden. So faces that cannot be judged are hidden: those with a low
confidence, small ones, and those that look away. `keep` shows a face only if it is very similar to
a selected person, and less similar to everyone else in the group. `only` hides a face even if it is
just somewhat similar to a selected person.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.core.deadline import Deadline
from shared.core.errors import FaceNotFoundError, GroupNotFoundError, InvalidParameterError
from shared.core.hiding.selection import Mode, Selection
from shared.core.photos.models import Face, Photo
from shared.core.photos.ports import PoseEstimator
from shared.core.recognition import detection
from shared.core.recognition.faces import is_frontal
from shared.core.recognition.models import Group
from shared.core.recognition.ports import (
    FaceIndex,
    Faces,
    Groups,
    Recognizer,
    RecognizerRegistry,
    Sealer,
)

if TYPE_CHECKING:  # a call that selects no people starts without numpy
    import numpy as np
    from numpy.typing import NDArray

MAX_SELECTED = 1_000  # faces, unless the whole group is selected

# A stranger may resemble any of the selected faces. So the more faces are selected, the higher the
# minimum similarity (`python -m benchmarks.keep` measures how many strangers pass).
_KEPT_FROM = ((10, 90.0), (100, 95.0), (1_000, 97.0))  # maximum number of faces, similarity
_KEPT_FROM_OF_MANY = 99.0
HIDDEN_FROM = 60.0  # hardly any two photos of one person are less similar

_TIE = 1e-6  # between inner products, which are rounded


@dataclass(frozen=True, slots=True)
class Gallery:
    """A group as it is now, with the ports to search it; `recognizer` has the group's model."""

    group: Group
    faces: Faces
    sealer: Sealer
    index: FaceIndex
    recognizer: Recognizer
    poses: PoseEstimator


def open_gallery(
    groups: Groups,
    faces: Faces,
    sealer: Sealer,
    index: FaceIndex,
    recognizers: RecognizerRegistry,
    poses: PoseEstimator,
    *,
    tenant: str,
    group_id: str,
) -> Gallery:
    """Return a group of a tenant, ready for searches. The empty tenant has no groups.

    Raises:
        GroupNotFoundError: the tenant has no such group.
        UnknownModelError: this deployment does not have the model of the group.
    """
    if not tenant:
        raise GroupNotFoundError(group_id)
    group = groups.get(tenant, group_id)
    return Gallery(group, faces, sealer, index, recognizers.get(group.model_version), poses)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to hide a face, and the face of the group that it matches, if there is one."""

    is_hidden: bool
    face_id: str | None = None


HIDDEN = Verdict(is_hidden=True)
_KEPT = Verdict(is_hidden=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """The selected faces: their ids, and their vectors, float32 of shape (len(face_ids), D)."""

    face_ids: tuple[str, ...]
    vectors: NDArray[np.float32]


def judge(
    gallery: Gallery,
    selection: Selection,
    *,
    photo: Photo,
    faces: Sequence[Face],
    deadline: Deadline,
) -> tuple[Verdict, ...]:
    """Return a verdict for each face of a photo.

    Raises:
        FaceNotFoundError: the group has no face with a selected id or label.
        InvalidParameterError: more than MAX_SELECTED faces are selected.
        AnalysisTimeoutError: the deadline passed between two steps.
    """
    selected = None if selection.is_whole_group else _find_selected(gallery, selection)
    min_score = gallery.recognizer.calibration.score(_similarity(gallery, selection, selected))
    rule = _keep if selection.mode is Mode.KEEP else _only
    deadline.check()
    judgeable = find_judgeable(gallery.poses, photo, faces)
    deadline.check()
    vectors = gallery.recognizer.embedder.embed(photo, [faces[number] for number in judgeable])
    verdicts = [HIDDEN] * len(faces)
    for number, vector in zip(judgeable, vectors, strict=True):
        deadline.check()
        if math.isfinite(vector @ vector):  # a vector that is not finite proves nothing
            verdicts[number] = rule(gallery, selected, vector, min_score)
    return _confirm(gallery, verdicts)


def _find_selected(gallery: Gallery, selection: Selection) -> _Selected:
    ids = dict.fromkeys(selection.face_ids)
    for label in selection.external_image_ids:
        labelled = gallery.faces.find_labelled(gallery.group, label)
        if not labelled:
            raise FaceNotFoundError(label)
        ids |= dict.fromkeys(labelled)
    if len(ids) > MAX_SELECTED:
        reason = f"select more than {MAX_SELECTED} faces"
        raise InvalidParameterError(f"{selection.mode}.externalImageIds", reason)
    found = gallery.faces.get_many(gallery.group, tuple(ids))
    missing = [face_id for face_id in ids if face_id not in found]
    if missing:  # also if it was removed after its label was looked up
        raise FaceNotFoundError(missing[0])
    face_ids = tuple(found)
    sealed = [face.sealed_vector for face in found.values()]
    return _Selected(face_ids, gallery.sealer.open_many(gallery.group, face_ids, sealed))


def _similarity(gallery: Gallery, selection: Selection, selected: _Selected | None) -> float:
    if selection.similarity is not None:
        return selection.similarity
    if selection.mode is Mode.ONLY:
        return HIDDEN_FROM
    return kept_from(gallery.group.face_count if selected is None else len(selected.face_ids))


def kept_from(count: int) -> float:
    """Return the default similarity of `keep` if `count` faces are selected."""
    return next((value for limit, value in _KEPT_FROM if count <= limit), _KEPT_FROM_OF_MANY)


def find_judgeable(poses: PoseEstimator, photo: Photo, found: Sequence[Face]) -> list[int]:
    """Return the indices of the faces that are good enough to recognise."""
    clear = [
        number
        for number, face in enumerate(found)
        if face.confidence >= detection.MIN_CONFIDENCE
        and min(face.box.width, face.box.height) >= detection.MIN_RECOGNISABLE_SIDE
    ]
    turned = poses.estimate(photo, [found[number] for number in clear])
    return [n for n, pose in zip(clear, turned, strict=True) if is_frontal(pose)]


def _confirm(gallery: Gallery, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts; a verdict no longer holds if the group has lost its face since."""
    named = {verdict.face_id for verdict in verdicts if verdict.face_id is not None}
    there = {None, *gallery.faces.get_many(gallery.group, sorted(named))}
    return tuple(verdict if verdict.face_id in there else HIDDEN for verdict in verdicts)


def _keep(
    gallery: Gallery, selected: _Selected | None, vector: NDArray[np.float32], min_score: float
) -> Verdict:
    """Show a face if the most similar face of the whole group is a selected one."""
    chosen = None if selected is None else frozenset(selected.face_ids)
    limit = 1 if chosen is None else len(chosen) + 1  # the extra one is a rival, if there is any
    face_ids, scores = gallery.index.search(
        gallery.group, vector, limit=limit, min_score=min_score, must_be_exact=True
    )
    is_chosen = [chosen is None or face_id in chosen for face_id in face_ids]
    if not face_ids or not is_chosen[0]:
        return HIDDEN
    rivals = (score for score, theirs in zip(scores, is_chosen, strict=True) if not theirs)
    if scores[0] - next(rivals, -math.inf) <= _TIE:
        return HIDDEN
    return Verdict(is_hidden=False, face_id=face_ids[0])


def _only(
    gallery: Gallery, selected: _Selected | None, vector: NDArray[np.float32], min_score: float
) -> Verdict:
    """Hide a face that is somewhat similar to a selected one, even if others are closer."""
    if selected is None:
        face_ids, _ = gallery.index.search(
            gallery.group, vector, limit=1, min_score=min_score, must_be_exact=True
        )
        return Verdict(is_hidden=True, face_id=face_ids[0]) if face_ids else _KEPT
    scores = selected.vectors @ vector
    best = int(scores.argmax())
    if scores[best] < min_score:
        return _KEPT
    return Verdict(is_hidden=True, face_id=selected.face_ids[best])
