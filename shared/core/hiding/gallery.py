"""Which faces of a photo are to be hidden, where some people are to be shown, or they alone hidden.

Whatever is uncertain is hidden. So a face that cannot be judged is: one that the detector doubts,
one that is small, one that looks away. To be shown a face must be very much like one of the people
selected and not as much like anybody else of the group; to be hidden for whose it is, it needs to
be a little like them.
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
from shared.core.recognition.models import Group, StoredFace
from shared.core.recognition.ports import (
    FaceIndex,
    Faces,
    Groups,
    Recognizer,
    RecognizerRegistry,
    Sealer,
)

if TYPE_CHECKING:  # a call that names nobody needs no numpy here
    import numpy as np
    from numpy.typing import NDArray

MAX_SELECTED = 1_000  # faces, where they are not all of the group

# Each face selected is one more that a stranger may resemble. So the more there are, the more a
# face has to be like one to be shown (`python -m benchmarks.keep` tells how many get by).
_KEPT_FROM = ((10, 90.0), (100, 95.0), (1_000, 97.0))  # so many faces at most, similarity
_KEPT_FROM_OF_MANY = 99.0
HIDDEN_FROM = 60.0  # of one person's photos hardly any two are less alike

_TIE = 1e-6  # between inner products, which are rounded


@dataclass(frozen=True, slots=True)
class Gallery:
    """A group, just read from the store, and what it takes to look for people in it.

    `recognition` is of the group's model version.
    """

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
    """Return a group of a tenant, ready to look for people in it. The empty tenant has no groups.

    Raises:
        GroupNotFoundError: the tenant has no such group.
        UnknownModelError: its model is not here.
    """
    if not tenant:
        raise GroupNotFoundError(group_id)
    group = groups.get(tenant, group_id)
    return Gallery(group, faces, sealer, index, recognizers.get(group.model_version), poses)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a face is to be hidden, and for which selected face it was taken, if for one."""

    is_hidden: bool
    face_id: str | None = None


HIDDEN = Verdict(is_hidden=True)
_KEPT = Verdict(is_hidden=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """The faces selected: their ids, and their vectors, float32 of shape (len(face_ids), D)."""

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
    """Return what is to be done to each face of a photo.

    Raises:
        FaceNotFoundError: the group has no face of an id or a label that was selected.
        InvalidParameterError: more faces are selected than are compared one by one.
        AnalysisTimeoutError: the deadline passed between two steps.
    """
    selected = None if selection.is_whole_group else _find_selected(gallery, selection)
    least = gallery.recognizer.calibration.score(_similarity(gallery, selection, selected))
    rule = _keep if selection.mode is Mode.KEEP else _only
    deadline.check()
    judgeable = find_judgeable(gallery.poses, photo, faces)
    deadline.check()
    vectors = gallery.recognizer.embedder.embed(photo, [faces[number] for number in judgeable])
    verdicts = [HIDDEN] * len(faces)
    for number, vector in zip(judgeable, vectors, strict=True):
        deadline.check()
        if math.isfinite(vector @ vector):  # what is no number is less than nothing
            verdicts[number] = rule(gallery, selected, vector, least)
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
    if missing:  # also where it was removed since its label was looked up
        raise FaceNotFoundError(missing[0])
    return _open(gallery, tuple(found.values()))


def _open(gallery: Gallery, stored: Sequence[StoredFace]) -> _Selected:
    face_ids = tuple(face.face_id for face in stored)
    sealed = [face.sealed_vector for face in stored]
    return _Selected(face_ids, gallery.sealer.open_many(gallery.group, face_ids, sealed))


def _similarity(gallery: Gallery, selection: Selection, selected: _Selected | None) -> float:
    if selection.similarity is not None:
        return selection.similarity
    if selection.mode is Mode.ONLY:
        return HIDDEN_FROM
    return kept_from(gallery.group.face_count if selected is None else len(selected.face_ids))


def kept_from(count: int) -> float:
    """Return the default similarity of `keep` where so many faces are selected."""
    return next((value for most, value in _KEPT_FROM if count <= most), _KEPT_FROM_OF_MANY)


def find_judgeable(poses: PoseEstimator, photo: Photo, found: Sequence[Face]) -> list[int]:
    """Return the numbers of the faces that can be told to be somebody's."""
    clear = [
        number
        for number, face in enumerate(found)
        if face.confidence >= detection.MIN_CONFIDENCE
        and min(face.box.width, face.box.height) >= detection.MIN_RECOGNISABLE_SIDE
    ]
    turned = poses.estimate(photo, [found[number] for number in clear])
    return [n for n, pose in zip(clear, turned, strict=True) if is_frontal(pose)]


def _confirm(gallery: Gallery, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts; what was decided by a face removed meanwhile is decided no more."""
    named = {verdict.face_id for verdict in verdicts if verdict.face_id is not None}
    there = {None, *gallery.faces.get_many(gallery.group, sorted(named))}
    return tuple(verdict if verdict.face_id in there else HIDDEN for verdict in verdicts)


def _keep(
    gallery: Gallery, selected: _Selected | None, vector: NDArray[np.float32], least: float
) -> Verdict:
    """Show a face that is most like a selected one, among all of the group."""
    chosen = None if selected is None else frozenset(selected.face_ids)
    limit = 1 if chosen is None else len(chosen) + 1  # one of so many is a rival, if there is any
    face_ids, scores = gallery.index.search(
        gallery.group, vector, limit=limit, min_score=least, must_be_exact=True
    )
    is_chosen = [chosen is None or face_id in chosen for face_id in face_ids]
    if not face_ids or not is_chosen[0]:
        return HIDDEN
    rivals = (score for score, theirs in zip(scores, is_chosen, strict=True) if not theirs)
    if scores[0] - next(rivals, -math.inf) <= _TIE:
        return HIDDEN
    return Verdict(is_hidden=False, face_id=face_ids[0])


def _only(
    gallery: Gallery, selected: _Selected | None, vector: NDArray[np.float32], least: float
) -> Verdict:
    """Hide a face that is somewhat like a selected one, whoever else it is like."""
    if selected is None:
        face_ids, _ = gallery.index.search(
            gallery.group, vector, limit=1, min_score=least, must_be_exact=True
        )
        return Verdict(is_hidden=True, face_id=face_ids[0]) if face_ids else _KEPT
    scores = selected.vectors @ vector
    best = int(scores.argmax())
    return (
        Verdict(is_hidden=True, face_id=selected.face_ids[best]) if scores[best] >= least else _KEPT
    )
