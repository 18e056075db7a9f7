"""The faces of a group."""

import uuid
from dataclasses import dataclass, replace

from shared.core.deadline import Deadline
from shared.core.errors import GroupFullError
from shared.core.photos.models import Pose
from shared.core.photos.ports import Vision
from shared.core.recognition import detection
from shared.core.recognition.detection import FaceDetail, ImageInput
from shared.core.recognition.models import Group, StoredFace
from shared.core.recognition.paging import Page, PageRequest, read_page
from shared.core.recognition.ports import Embedder, Faces, Sealer

CAPACITY = 100_000
MAX_ANGLE = 45.0  # degrees of yaw or pitch


@dataclass(frozen=True, slots=True)
class AddedFaces:
    """The faces of an image that were added to a group, and those that were not.

    `added` and `added_details` are parallel. `is_partial` says whether faces were left out because
    the group is full.
    """

    added: tuple[StoredFace, ...]
    added_details: tuple[FaceDetail, ...]
    not_added: tuple[FaceDetail, ...]
    is_partial: bool


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
    """Add the largest faces of an image that look towards the camera, up to `limit`.

    Raises:
        ImageError: the image cannot be used.
        GroupFullError: the group has no room for any of the faces.
        GroupNotFoundError: the group has been deleted in the meantime.
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


def list_page(faces: Faces, *, group: Group, page: PageRequest) -> Page[StoredFace]:
    """Return a page of the group's faces, newest first.

    The listing goes down the numbers of the changes that added the faces. So it shows no face
    twice and skips no older face while others are added and removed.

    Raises:
        InvalidTokenError: the token was not made for this listing, or has expired.
    """
    return read_page(
        replace(page, scope=(*page.scope, group.generation)),
        lambda before, limit: faces.list_page(
            group, before=int(before) if before else None, limit=limit
        ),
        lambda face: str(face.change),
    )


def is_frontal(pose: Pose) -> bool:
    """Return whether a head certainly looks towards the camera, so that it can be recognised."""
    is_ahead = all(abs(angle) <= MAX_ANGLE for angle in (pose.yaw, pose.pitch))
    return pose.is_certain and is_ahead
