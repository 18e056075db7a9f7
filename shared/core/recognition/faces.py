"""The faces of a group."""

import uuid
from dataclasses import dataclass

from shared.core.deadline import Deadline
from shared.core.errors import GroupFullError
from shared.core.photos.models import Pose
from shared.core.photos.ports import Vision
from shared.core.recognition import detection, paging
from shared.core.recognition.detection import FaceDetail, ImageInput
from shared.core.recognition.models import Group, StoredFace
from shared.core.recognition.paging import Page, Scope
from shared.core.recognition.ports import Embedder, Faces, Sealer

CAPACITY = 100_000
STEEPEST_ANGLE = 45.0  # degrees of yaw or pitch


@dataclass(frozen=True, slots=True)
class AddedFaces:
    """What became of the faces of an image: `added` and `added_details` are parallel.

    `is_partial` tells that faces were left out because the group is full.
    """

    added: tuple[StoredFace, ...]
    added_details: tuple[FaceDetail, ...]
    not_added: tuple[FaceDetail, ...]
    is_partial: bool


@dataclass(frozen=True, slots=True)
class FacePage:
    """A page of faces, and the token of the next one, None at the end."""

    faces: tuple[StoredFace, ...]
    next_token: str | None


def add(
    vision: Vision,
    faces: Faces,
    sealer: Sealer,
    embedder: Embedder,
    *,
    group: Group,
    image: ImageInput,
    external_image_id: str | None,
    limit: int,
    deadline: Deadline,
) -> AddedFaces:
    """Enrol the largest faces of an image, up to `limit` of those that look towards the camera.

    Raises:
        ImageError: the image cannot be used.
        GroupFullError: the group takes no face at all.
        GroupNotFoundError: the group was deleted meanwhile.
    """
    photo = detection.load(vision, image)
    found = detection.find_faces(vision.detector, photo, deadline)
    details = detection.describe(vision.poses, photo, found)
    chosen = [index for index, detail in enumerate(details) if is_frontal(detail.pose)][:limit]
    vectors = embedder.embed(photo, [found[index] for index in chosen])
    deadline.check()
    image_id = str(uuid.uuid4())
    new = []
    for index, vector in zip(chosen, vectors, strict=True):
        face_id = str(uuid.uuid4())
        new.append(
            StoredFace(
                face_id=face_id,
                image_id=image_id,
                external_image_id=external_image_id,
                box=details[index].box,
                confidence=details[index].confidence,
                sealed_vector=sealer.seal(group, face_id, vector),
            )
        )
    count = faces.add(group, new, capacity=CAPACITY) if new else 0
    if new and not count:
        raise GroupFullError
    added = chosen[:count]
    return AddedFaces(
        added=tuple(new[:count]),
        added_details=tuple(details[index] for index in added),
        not_added=tuple(d for index, d in enumerate(details) if index not in added),
        is_partial=count < len(new),
    )


def list_page(
    faces: Faces, *, group: Group, limit: int, token: str | None, scope: Scope, secret: str
) -> FacePage:
    """Return a page of the group's faces, newest first.

    A listing shows no face twice and skips no old one while faces are added and removed: it goes
    down the numbers of the changes that added them.

    Raises:
        InvalidTokenError: the token was not made for this listing.
    """
    page = Page("", limit) if token is None else paging.verify(token, scope, secret=secret)
    before = int(page.position) if page.position else None
    found = faces.list_page(group, before=before, limit=page.limit + 1)
    shown = found[: page.limit]
    if len(found) == len(shown):
        return FacePage(shown, None)
    following = Page(str(shown[-1].change), page.limit)
    return FacePage(shown, paging.sign(following, scope, secret=secret))


def is_frontal(pose: Pose) -> bool:
    """Return whether a head looks towards the camera for certain, so that it can be recognised."""
    is_ahead = all(abs(angle) <= STEEPEST_ANGLE for angle in (pose.yaw, pose.pitch))
    return pose.is_certain and is_ahead
