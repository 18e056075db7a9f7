"""Five precise points on each face, from the five rough ones of the detector."""

import io

import numpy as np
from numpy.typing import NDArray

from shared.vision.alignment import Floats, fit_similarities, turn_weights

# Where the detector's five points lie in the square that the predictor starts from.
_DETECTED_IN_SQUARE = np.array(
    [(0.266, 0.294), (0.734, 0.294), (0.5, 0.546), (0.304, 0.725), (0.696, 0.725)]
)


def squares_around(landmarks: Floats) -> Floats:
    """Return the matrices from the unit square around each face to the image, shape (N, 2, 3).

    They follow any roll of the head.

    Args:
        landmarks: the detector's points in the image, shape (N, 5, 2).

    """
    return fit_similarities(_DETECTED_IN_SQUARE, landmarks)


class LandmarkPredictor:
    """dlib's shape predictor, an ensemble of regression trees, for all faces of a photo at once.

    V. Kazemi and J. Sullivan, "One millisecond face alignment with an ensemble of regression
    trees", CVPR 2014. Each of 15 cascades looks at 800 pixels around the current points; each of
    its 500 trees compares four pairs of them and adds the correction of the leaf that it reaches.
    Sums are taken in float32 and in dlib's order: from the same square come dlib's own points.
    """

    def __init__(self, model: bytes) -> None:
        """Load a prepared predictor.

        Args:
            model: an npz file's bytes. It holds `initial_shape` (5, 2), where the points are looked
                for first; and, for C cascades of T trees and S pixels: `anchors` (C, S), the point
                that each pixel is tied to; `deltas` (C, S, 2), its offset from there; `splits`
                (C, T, 15, 2), the two pixels whose difference decides; `thresholds` (C, T, 15) of
                that difference; `leaves` (C, T, 16, 5, 2), what is added to the points.

        """
        with np.load(io.BytesIO(model), allow_pickle=False) as arrays:
            initial = np.asarray(arrays["initial_shape"], np.float32)
            names = ("splits", "thresholds", "leaves", "anchors", "deltas")
            cascades = zip(*(arrays[name] for name in names), strict=True)
            self._cascades = [_Cascade(*cascade) for cascade in cascades]
        self._initial = initial.ravel()
        self._turn_weights = turn_weights(initial.astype(np.float64))

    def predict(self, image_bgr: NDArray[np.uint8], to_image: Floats) -> Floats:
        """Return five points a face, in the image's frame.

        Args:
            image_bgr: the photo, shape (H, W, 3).
            to_image: one matrix a face, from the unit square around it to the image; (N, 2, 3).

        Returns:
            Shape (N, 5, 2): the outer and inner corner of the eye on the image's right, those of
            the eye on its left, and the base of the nose.
        """
        image_bgr = np.ascontiguousarray(image_bgr)  # one copy at most, and not one a cascade
        shapes = np.repeat(self._initial[np.newaxis], len(to_image), axis=0)
        for cascade in self._cascades:
            turns = (shapes @ self._turn_weights).astype(np.float32)
            x, y = _map(to_image, *cascade.locate(shapes, turns))
            shapes = cascade.correct(shapes, _sample_grey(image_bgr, x, y))
        return np.stack(_map(to_image, shapes[:, 0::2], shapes[:, 1::2]), axis=-1)


class _Cascade:
    """One round of corrections; shapes are (N, 10) here: x, y, x, y..."""

    def __init__(
        self,
        splits: NDArray[np.integer],
        thresholds: NDArray[np.float32],
        leaves: NDArray[np.float32],
        anchors: NDArray[np.integer],
        deltas: NDArray[np.float32],
    ) -> None:
        # A 16th comparison that never holds fills the two bytes of a tree's outcomes.
        pixels = np.pad(np.asarray(splits, np.intp), ((0, 0), (0, 1), (0, 0)))
        self._first, self._second = pixels[..., 0].ravel(), pixels[..., 1].ravel()
        # Differences of greys are whole: d > t where d > floor(t).
        never = np.iinfo(np.int16).max
        whole = np.floor(thresholds).astype(np.int16)
        self._thresholds = np.pad(whole, ((0, 0), (0, 1)), constant_values=never).ravel()
        self._leaves = np.asarray(leaves, np.float32).reshape(len(splits) * 16, -1)
        self._first_leaf = np.arange(len(splits))[:, np.newaxis] * 16
        self._anchors = np.asarray(anchors, np.intp)
        self._dx, self._dy = np.asarray(deltas, np.float32).T

    def locate(
        self, shapes: NDArray[np.float32], turns: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return x and y, (N, S) each, of the pixels to look at, in the unit square."""
        cosine, sine = turns[:, :1], turns[:, 1:]
        x = cosine * self._dx - sine * self._dy + shapes[:, 0::2].take(self._anchors, axis=1)
        y = sine * self._dx + cosine * self._dy + shapes[:, 1::2].take(self._anchors, axis=1)
        return x, y

    def correct(self, shapes: NDArray[np.float32], grey: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the shapes with the leaves of all trees added, one after the other."""
        holds = grey.take(self._first, axis=1) - grey.take(self._second, axis=1) > self._thresholds
        outcomes = np.packbits(holds).view(">u2").reshape(-1, len(self._first_leaf))
        reached = _LEAF_BY_OUTCOMES.take(outcomes.T) + self._first_leaf
        summands = np.concatenate([shapes[np.newaxis], self._leaves.take(reached, axis=0)])
        total: NDArray[np.float32] = np.add.reduce(summands, axis=0)
        return total


def _leaf_by_outcomes() -> NDArray[np.intp]:
    """Return the leaf that each combination of outcomes leads to; the highest bit is the root's."""
    outcomes = np.arange(1 << 16)
    node = np.zeros_like(outcomes)
    for _ in range(4):
        node = 2 * node + 2 - (outcomes >> (15 - node) & 1)
    return node - 15


_LEAF_BY_OUTCOMES = _leaf_by_outcomes()


def _map(
    matrices: Floats, x: NDArray[np.floating], y: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """Return points mapped by matrices of shape (N, 2, 3); x and y are (N, P) in and out."""
    column, row = matrices.transpose(1, 2, 0)[..., np.newaxis]
    return column[0] * x + column[1] * y + column[2], row[0] * x + row[1] * y + row[2]


def _sample_grey(image_bgr: NDArray[np.uint8], x: Floats, y: Floats) -> NDArray[np.int16]:
    """Return the greys of the pixels nearest to the points; 0 outside the image."""
    height, width = image_bgr.shape[:2]
    columns, rows = np.floor(x + 0.5).astype(np.intp), np.floor(y + 0.5).astype(np.intp)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    index = (rows * width + columns) * inside
    bgr = image_bgr.reshape(-1, 3).take(index, axis=0)
    total = np.add(bgr[..., 0], bgr[..., 1], dtype=np.int16) + bgr[..., 2]
    grey: NDArray[np.int16] = total // 3 * inside
    return grey
