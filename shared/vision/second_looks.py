"""Looking again at single faces: whether a doubtful one is a face, and how a tilted one stands.

The first look is cheap and sees small things badly. A doubtful face is one if the network sees it
again at other sizes, or if Face Mesh takes it for one from near. `docs/models.md` shows the curves
that the thresholds were chosen from.

The network draws the five points of a tilted face as if it were tilted by little more than half as
much. Vectors of a face suffer from that. So Face Mesh tells the tilt, and the network looks again
at the face set upright.
"""

import numpy as np
from numpy.typing import NDArray

from shared.vision.alignment import cut_square, fit_similarities, turns_of
from shared.vision.candidates import MAX_OVERLAP, Candidates, Floats, intersections_over_union
from shared.vision.face_mesh import UPRIGHT_POINTS, FaceMesh, Meshes
from shared.vision.resizing import Image
from shared.vision.yunet import YuNet

SURE = 0.8
"""A score that leaves no doubt that something is a face."""

UPRIGHT_SCORE = 0.92
"""A score that only faces have which stand upright, give or take some degrees."""

_MAX_DOUBTFUL = 256  # that get another look, the likeliest first
_OTHER_SIZES = (24, 32)  # pixels
_WINDOW = 96  # pixels, around a face at these sizes
_FAINTEST = 0.02  # score that counts there
_CLEAR_SIZES = (48, 128)  # pixels, from which on faces show more and more clearly,
_MORE_IF_CLEAR = 0.1  # so that their scores must be higher by up to this,
_MORE_IF_CLEAR_AND_TURNED = 0.25  # which is rare, and more often something else
_MAX_NEAR = 48  # doubtful faces that are looked at from near;
_MIN_SCORE_AGAIN = 0.1  # mean score at other sizes that makes it worthwhile,
_LARGE = 48  # pixels, from which on it always is, in all four directions
_SIZES = (12, 16, 20, 28, 48)  # pixels
_MIN_LOGITS = (0, 2, 3, 4, 7)

_CLEAR_LOGIT = 10.0  # of faces that Face Mesh sees clearly,
_UPRIGHT_LOGIT = 20.0  # and of those that it sees to stand upright
_UPRIGHT_ANGLE = 12.0  # degrees, up to which five points need no other look
_ROUNDS = 2
_FACE_WINDOW = 128  # pixels, around a face that was set upright
_FACE_SIZE = 22.0  # pixels there, from the middle of the five points to each eye sideways
_IN_WINDOW = UPRIGHT_POINTS * _FACE_SIZE + _FACE_WINDOW / 2
_MIN_SCORE = 0.2


class SecondLooks:
    """Looks again at faces; safe to use from many threads."""

    def __init__(
        self, network: YuNet, mesh: FaceMesh, *, seen_again: float = 0.42, more_logit: float = 0.0
    ) -> None:
        """Take the network that finds faces, and the one that looks at them from near.

        Args:
            network: that finds faces.
            mesh: that looks at them from near.
            seen_again: the mean of the score of a face and of its scores at other sizes, from which
                it is one.
            more_logit: what the logit of a face must have more than it needs by default.
        """
        self._network = network
        self._mesh = mesh
        self._seen_again = seen_again
        self._least_logits = np.array(_MIN_LOGITS) + more_logit

    def judge(self, photo: Image, faces: Candidates, *, is_turned: bool = False) -> Candidates:
        """Return the faces, best first, but for what is doubtful and not seen again.

        Args:
            photo: shape (H, W, 3).
            faces: one candidate each, best first.
            is_turned: whether they were seen in the photo turned by a quarter, counterclockwise.
        """
        is_face = faces.scores >= SURE
        doubtful = np.flatnonzero(~is_face)[:_MAX_DOUBTFUL]
        if not len(doubtful):
            return faces
        again = self._scores_again(photo, faces.take(doubtful), is_turned=is_turned)
        most = _MORE_IF_CLEAR_AND_TURNED if is_turned else _MORE_IF_CLEAR
        sizes = faces.sizes[doubtful].max(axis=1)
        more = np.interp(sizes, _CLEAR_SIZES, (0, most))
        is_face[doubtful] = (faces.scores[doubtful] + again) / 2 >= self._seen_again + more
        is_worth_it = (again >= _MIN_SCORE_AGAIN) | (sizes >= _LARGE)
        near = doubtful[~is_face[doubtful] & is_worth_it][:_MAX_NEAR]
        is_face[near] = self._look_like_faces(photo, faces.take(near))
        return faces.take(is_face)

    def straighten(self, photo: Image, faces: Candidates) -> tuple[Candidates, NDArray[np.bool_]]:
        """Return the faces as they stand, and whether each is one that people are recognised by.

        Boxes and five points then follow any turn of the head in the photo's plane. Those of faces
        that surely stand upright are right as they are; those of faces that Face Mesh does not see
        clearly are left as they are.

        Args:
            photo: shape (H, W, 3).
            faces: one candidate each.
        """
        found = Candidates(faces.boxes.copy(), faces.scores, faces.landmarks.copy())
        is_face = faces.scores >= SURE
        is_tilted = np.abs(_angles(faces.landmarks)) > _UPRIGHT_ANGLE
        tilted = np.flatnonzero((faces.scores < UPRIGHT_SCORE) | is_tilted)
        for _ in range(_ROUNDS):
            if not len(tilted):
                break
            before = found.take(tilted)
            upright, logits = self._set_upright(photo, before)
            is_face[tilted] |= logits >= self._logits_needed(before)
            is_clear = logits >= _CLEAR_LOGIT
            after = self._look_upright(photo, upright.take(is_clear))
            clear = tilted[is_clear]
            found.boxes[clear], found.landmarks[clear] = after.boxes, after.landmarks
            turned = _angles(after.landmarks) - _angles(before.landmarks[is_clear])
            tilted = clear[np.abs((turned + 180) % 360 - 180) > _UPRIGHT_ANGLE]
        return found, is_face

    def _scores_again(
        self, photo: Image, faces: Candidates, *, is_turned: bool
    ) -> NDArray[np.float64]:
        """Return the mean score of each face at other sizes."""
        step = -1 if is_turned else 1  # width and height change places
        scores = np.zeros((len(_OTHER_SIZES), len(faces)))
        for row, size in zip(scores, _OTHER_SIZES, strict=True):
            zooms = faces.sizes.max(axis=1).astype(np.float64) / size
            windows = [
                cut_square(photo, _around(centre, zoom, is_turned=is_turned), _WINDOW)
                for centre, zoom in zip(faces.centres.astype(np.float64), zooms, strict=True)
            ]
            seen = self._network.infer(windows, _FAINTEST)
            for number, candidates in enumerate(seen):
                half = faces.sizes[number, ::step] / zooms[number] / 2
                box = np.concatenate([_WINDOW / 2 - half, _WINDOW / 2 + half])
                is_it = intersections_over_union(box, candidates.boxes) > MAX_OVERLAP
                row[number] = candidates.scores[is_it].max(initial=0)
        mean: NDArray[np.float64] = scores.mean(axis=0)
        return mean

    def _look_like_faces(self, photo: Image, faces: Candidates) -> NDArray[np.bool_]:
        """Return whether each looks like a face from near, as it is or upside down.

        Large ones are tried in all four directions: a face that fills the photo may be seen badly.
        """
        sizes, least = faces.sizes.max(axis=1), self._logits_needed(faces)
        is_face: NDArray[np.bool_] = self._meshes(photo, faces).logits >= least
        for turn, smallest in ((180, 0), (90, _LARGE), (270, _LARGE)):
            others = np.flatnonzero(~is_face & (sizes >= smallest))
            turned = _turned(faces.take(others), turn)
            is_face[others] = self._meshes(photo, turned).logits >= least[others]
        return is_face

    def _set_upright(
        self, photo: Image, faces: Candidates
    ) -> tuple[Candidates, NDArray[np.float32]]:
        """Return the faces with the five points that Face Mesh sees, and its logits.

        Where a face does not look like one as it is, it is tried in all four directions.
        """
        seen = self._meshes(photo, faces)
        logits, landmarks = seen.logits.copy(), seen.landmarks.astype(np.float32)
        others = np.flatnonzero(logits < _UPRIGHT_LOGIT)
        for quarter in (90, 180, 270):
            turned = self._meshes(photo, _turned(faces.take(others), quarter))
            is_better = turned.logits > logits[others]
            better = others[is_better]
            logits[better], landmarks[better] = (
                turned.logits[is_better],
                turned.landmarks[is_better],
            )
        return Candidates(faces.boxes, faces.scores, landmarks), logits

    def _look_upright(self, photo: Image, faces: Candidates) -> Candidates:
        """Return what the network sees of faces set upright; where it is nothing, they stay."""
        found = Candidates(faces.boxes.copy(), faces.scores, faces.landmarks.copy())
        to_photo = fit_similarities(_IN_WINDOW, faces.landmarks.astype(np.float64))
        windows = [cut_square(photo, matrix, _FACE_WINDOW) for matrix in to_photo]
        seen = self._network.infer(windows, _MIN_SCORE)
        for number, (candidates, matrix) in enumerate(zip(seen, to_photo, strict=True)):
            offsets = np.abs(candidates.landmarks.mean(axis=1) - _FACE_WINDOW / 2).max(axis=1)
            near = candidates.take(offsets < _FACE_SIZE)
            if len(near):
                best = int(near.scores.argmax())
                found.boxes[number] = _around_ellipse(near.centres[best], near.sizes[best], matrix)
                points = near.landmarks[best] @ matrix[:, :2].T + matrix[:, 2]
                found.landmarks[number] = points
        return found

    def _logits_needed(self, faces: Candidates) -> NDArray[np.float64]:
        """Return the least logit of Face Mesh for each to be a face, by its size."""
        least: NDArray[np.float64] = np.interp(faces.sizes.max(axis=1), _SIZES, self._least_logits)
        return least

    def _meshes(self, photo: Image, faces: Candidates) -> Meshes:
        boxes, landmarks = faces.boxes.astype(np.float64), faces.landmarks.astype(np.float64)
        return self._mesh.look(photo, boxes, landmarks)


def _angles(landmarks: Floats) -> NDArray[np.float64]:
    """Return by how much faces are tilted, clockwise in degrees, as their five points have it."""
    return turns_of(fit_similarities(UPRIGHT_POINTS, landmarks.astype(np.float64)))


def _turned(faces: Candidates, angle: float) -> Candidates:
    """Return the faces with their five points turned about their boxes' centres, clockwise."""
    sine, cosine = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    turn = np.array([(cosine, sine), (-sine, cosine)], np.float32)  # for points as rows
    centres = faces.centres[:, np.newaxis]
    landmarks = (faces.landmarks - centres) @ turn + centres
    return Candidates(faces.boxes, faces.scores, landmarks.astype(np.float32))


def _around(centre: NDArray[np.float64], zoom: float, *, is_turned: bool) -> NDArray[np.float64]:
    """Return the similarity from a window around a point to the photo, shape (2, 3)."""
    turn = np.array([(0, -zoom), (zoom, 0)] if is_turned else [(zoom, 0), (0, zoom)])
    corner = centre - turn @ np.full(2, _WINDOW / 2)
    return np.concatenate([turn, corner[:, np.newaxis]], axis=1)


def _around_ellipse(centre: Floats, size: Floats, matrix: NDArray[np.float64]) -> Floats:
    """Return the box around an ellipse of a window in the photo: x1, y1, x2, y2.

    The box around a turned rectangle would be much larger than the face.
    """
    middle = matrix[:, :2] @ centre + matrix[:, 2]
    half = np.hypot(*(matrix[:, :2] * (size / 2)).T)
    return np.concatenate([middle - half, middle + half]).astype(np.float32)
