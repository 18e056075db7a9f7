"""Refines single detections: verifies doubtful ones, and aligns the landmarks of tilted faces.

The first inference passes are cheap and imprecise for small faces. A doubtful detection is
confirmed if the network detects it again in crops at other scales, or if Face Mesh takes a close-up
for a face. `docs/models.md` shows the curves that the thresholds were chosen from.

For a tilted face, the network places the landmarks as if it were tilted by little more than half as
much, which worsens the face's vector. Face Mesh measures the tilt, and the network processes a crop
in which the face is upright.
"""

import numpy as np
from numpy.typing import NDArray

from shared.vision import alignment
from shared.vision.detections import MAX_IOU, Detections, Floats, ious
from shared.vision.face_mesh import UPRIGHT_LANDMARKS, FaceMesh, Meshes
from shared.vision.resizing import Image
from shared.vision.yunet import YuNet

CERTAIN_SCORE = 0.8
"""A detection with this score is a face without any doubt."""

UPRIGHT_SCORE = 0.92
"""Only faces that are upright within some degrees reach this score."""

# Verification at other scales
_MAX_DOUBTFUL = 256  # detections that are verified, best first; the others are dropped
_SCALES = (24, 32)  # the longer side of the face in the crop, in pixels
_SCALED_CROP = 96  # the side of that crop, in pixels
_MIN_SCALED_SCORE = 0.02  # a lower score counts as 0
# The required mean score rises with the longer side of the face, in pixels: a large face is clear.
_CLEAR_SIZES = (48, 128)
_MAX_EXTRA_SCORE = 0.1  # the rise at the end,
_MAX_EXTRA_ROTATED_SCORE = 0.25  # and in a rotated photo, where large detections are mostly wrong

# Verification by Face Mesh
_MAX_CLOSE_UPS = 48
_MIN_CLOSE_UP_SCORE = 0.1  # the lowest mean score at other scales that justifies a close-up
_LARGE_SIZE = 48  # pixels; larger faces always get one, in all four directions
_LOGIT_SIZES = (12, 16, 20, 28, 48)  # the longer side of the face, in pixels,
_MIN_LOGITS = (0, 2, 3, 4, 7)  # and the logit that confirms a face of this size

# Alignment
_CLEAR_LOGIT = 10.0  # Face Mesh sees the face clearly,
_UPRIGHT_LOGIT = 20.0  # and even upright
_MAX_UPRIGHT_ANGLE = 12.0  # degrees; landmarks with a smaller tilt are precise
_ALIGNMENT_ROUNDS = 2
_ALIGNED_CROP = 128  # the side of the crop around an upright face, in pixels
_ALIGNED_EYE = 22.0  # horizontal distance of the eyes from its centre, in pixels
_ALIGNED_LANDMARKS = UPRIGHT_LANDMARKS * _ALIGNED_EYE + _ALIGNED_CROP / 2
_MIN_ALIGNED_SCORE = 0.2


class DetectionRefiner:
    """Verifies and aligns detections; it can be used from several threads."""

    def __init__(
        self,
        network: YuNet,
        mesh: FaceMesh,
        *,
        min_mean_score: float = 0.42,
        extra_logit: float = 0.0,
    ) -> None:
        """Take the networks, and thresholds that benchmarks vary.

        Args:
            network: the detection network.
            mesh: the network for close-ups.
            min_mean_score: the mean of a detection's score and its mean score at other scales that
                confirms it.
            extra_logit: raises the logit of Face Mesh that confirms a detection.
        """
        self._network = network
        self._mesh = mesh
        self._min_mean_score = min_mean_score
        self._min_logits = np.array(_MIN_LOGITS) + extra_logit

    def verify(self, photo: Image, faces: Detections, *, is_rotated: bool = False) -> Detections:
        """Return the certain and the confirmed detections, in the same order.

        Args:
            photo: uint8 BGR, shape (H, W, 3).
            faces: one detection per face, best first.
            is_rotated: whether they come from a rotated pass.
        """
        is_face = faces.scores >= CERTAIN_SCORE
        doubtful = np.flatnonzero(~is_face)[:_MAX_DOUBTFUL]
        if not len(doubtful):
            return faces
        scaled = self._scores_at_other_scales(photo, faces.take(doubtful), is_rotated=is_rotated)
        sizes = faces.sizes[doubtful].max(axis=1)
        max_extra = _MAX_EXTRA_ROTATED_SCORE if is_rotated else _MAX_EXTRA_SCORE
        required = self._min_mean_score + np.interp(sizes, _CLEAR_SIZES, (0, max_extra))
        is_face[doubtful] = (faces.scores[doubtful] + scaled) / 2 >= required
        is_worth_it = (scaled >= _MIN_CLOSE_UP_SCORE) | (sizes >= _LARGE_SIZE)
        close_up = doubtful[~is_face[doubtful] & is_worth_it][:_MAX_CLOSE_UPS]
        is_face[close_up] = self._are_faces_in_close_up(photo, faces.take(close_up))
        return faces.take(is_face)

    def align(self, photo: Image, faces: Detections) -> tuple[Detections, NDArray[np.bool_]]:
        """Return the faces with boxes and landmarks that follow the tilt of the head.

        Faces that are clearly upright stay as they are, and so do those that Face Mesh does not see
        clearly.

        Args:
            photo: uint8 BGR, shape (H, W, 3).
            faces: one detection per face.

        Returns:
            The faces in the same order, and whether each is certain or confirmed by Face Mesh,
            shape (N,).
        """
        found = Detections(faces.boxes.copy(), faces.scores, faces.landmarks.copy())
        is_face = faces.scores >= CERTAIN_SCORE
        is_tilted = np.abs(_tilts(faces.landmarks)) > _MAX_UPRIGHT_ANGLE
        tilted = np.flatnonzero((faces.scores < UPRIGHT_SCORE) | is_tilted)
        for _ in range(_ALIGNMENT_ROUNDS):
            if not len(tilted):
                break
            before = found.take(tilted)
            measured, logits = self._measure_tilts(photo, before)
            is_face[tilted] |= logits >= self._required_logits(before)
            is_clear = logits >= _CLEAR_LOGIT
            after = self._detect_upright(photo, measured.take(is_clear))
            clear = tilted[is_clear]
            found.boxes[clear], found.landmarks[clear] = after.boxes, after.landmarks
            change = _tilts(after.landmarks) - _tilts(before.landmarks[is_clear])
            tilted = clear[np.abs((change + 180) % 360 - 180) > _MAX_UPRIGHT_ANGLE]
        return found, is_face

    def _scores_at_other_scales(
        self, photo: Image, faces: Detections, *, is_rotated: bool
    ) -> NDArray[np.float64]:
        """Return the mean score of each face in crops at other scales, shape (N,)."""
        step = -1 if is_rotated else 1  # width and height swap places
        scores = np.zeros((len(_SCALES), len(faces)))
        for row, size in zip(scores, _SCALES, strict=True):
            zooms = faces.sizes.max(axis=1).astype(np.float64) / size
            crops = [
                alignment.crop_square(
                    photo, _scaled_crop(centre, zoom, is_rotated=is_rotated), _SCALED_CROP
                )
                for centre, zoom in zip(faces.centres.astype(np.float64), zooms, strict=True)
            ]
            for number, found in enumerate(self._network.infer(crops, _MIN_SCALED_SCORE)):
                half = faces.sizes[number, ::step] / zooms[number] / 2
                box = np.concatenate([_SCALED_CROP / 2 - half, _SCALED_CROP / 2 + half])
                row[number] = found.scores[ious(box, found.boxes) > MAX_IOU].max(initial=0)
        return np.asarray(scores.mean(axis=0))

    def _are_faces_in_close_up(self, photo: Image, faces: Detections) -> NDArray[np.bool_]:
        """Return whether Face Mesh confirms each face, as it is or upside down, shape (N,).

        Large faces are tried in all four directions: the network may misplace the landmarks of a
        face that fills the photo.
        """
        sizes, required = faces.sizes.max(axis=1), self._required_logits(faces)
        is_face = np.asarray(self._infer_meshes(photo, faces).logits >= required)
        for angle, min_size in ((180, 0), (90, _LARGE_SIZE), (270, _LARGE_SIZE)):
            others = np.flatnonzero(~is_face & (sizes >= min_size))
            rotated = _rotate_landmarks(faces.take(others), angle)
            is_face[others] = self._infer_meshes(photo, rotated).logits >= required[others]
        return is_face

    def _measure_tilts(
        self, photo: Image, faces: Detections
    ) -> tuple[Detections, NDArray[np.float32]]:
        """Return the faces with the landmarks of Face Mesh, and its logits, shape (N,).

        A face that Face Mesh does not see upright is tried in all four directions.
        """
        meshes = self._infer_meshes(photo, faces)
        logits, landmarks = meshes.logits.copy(), meshes.landmarks.astype(np.float32)
        others = np.flatnonzero(logits < _UPRIGHT_LOGIT)
        for angle in (90, 180, 270):
            rotated = self._infer_meshes(photo, _rotate_landmarks(faces.take(others), angle))
            is_better = rotated.logits > logits[others]
            logits[others[is_better]] = rotated.logits[is_better]
            landmarks[others[is_better]] = rotated.landmarks[is_better]
        return Detections(faces.boxes, faces.scores, landmarks), logits

    def _detect_upright(self, photo: Image, faces: Detections) -> Detections:
        """Return the faces as the network detects them upright; those it misses stay the same."""
        result = Detections(faces.boxes.copy(), faces.scores, faces.landmarks.copy())
        to_photo = alignment.fit_similarities(
            _ALIGNED_LANDMARKS, faces.landmarks.astype(np.float64)
        )
        crops = [alignment.crop_square(photo, matrix, _ALIGNED_CROP) for matrix in to_photo]
        detected = self._network.infer(crops, _MIN_ALIGNED_SCORE)
        for number, (found, matrix) in enumerate(zip(detected, to_photo, strict=True)):
            offsets = np.abs(found.landmarks.mean(axis=1) - _ALIGNED_CROP / 2).max(axis=1)
            central = found.take(offsets < _ALIGNED_EYE)
            if len(central):
                best = int(central.scores.argmax())
                centre, size = central.centres[best], central.sizes[best]
                result.boxes[number] = _box_in_photo(centre, size, matrix)
                points = central.landmarks[best] @ matrix[:, :2].T + matrix[:, 2]
                result.landmarks[number] = points
        return result

    def _required_logits(self, faces: Detections) -> NDArray[np.float64]:
        """Return the logit of Face Mesh that confirms each face, by its size, shape (N,)."""
        return np.asarray(np.interp(faces.sizes.max(axis=1), _LOGIT_SIZES, self._min_logits))

    def _infer_meshes(self, photo: Image, faces: Detections) -> Meshes:
        boxes, landmarks = faces.boxes.astype(np.float64), faces.landmarks.astype(np.float64)
        return self._mesh.infer(photo, boxes, landmarks)


def _tilts(landmarks: Floats) -> NDArray[np.float64]:
    """Return the tilts of landmarks (N, 5, 2), clockwise in degrees, shape (N,)."""
    return alignment.rotations_of(
        alignment.fit_similarities(UPRIGHT_LANDMARKS, landmarks.astype(np.float64))
    )


def _rotate_landmarks(faces: Detections, angle: float) -> Detections:
    """Return the faces with landmarks rotated around the box's centre, clockwise in degrees."""
    sine, cosine = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    rotation = np.array([(cosine, sine), (-sine, cosine)], np.float32)  # for points in rows
    centres = faces.centres[:, np.newaxis]
    landmarks = (faces.landmarks - centres) @ rotation + centres
    return Detections(faces.boxes, faces.scores, landmarks.astype(np.float32))


def _scaled_crop(
    centre: NDArray[np.float64], zoom: float, *, is_rotated: bool
) -> NDArray[np.float64]:
    """Return the similarity from a crop around a point to the photo, shape (2, 3)."""
    linear = np.array([(0, -zoom), (zoom, 0)] if is_rotated else [(zoom, 0), (0, zoom)])
    return alignment.similarities_through(linear, np.full(2, _SCALED_CROP / 2), centre)


def _box_in_photo(centre: Floats, size: Floats, to_photo: NDArray[np.float64]) -> Floats:
    """Return the box (4,) in the photo around the ellipse in a box of a crop.

    The box around the rotated rectangle itself would be much larger than the face.
    """
    middle = to_photo[:, :2] @ centre + to_photo[:, 2]
    half = np.hypot(*(to_photo[:, :2] * (size / 2)).T)
    return np.concatenate([middle - half, middle + half]).astype(np.float32)
