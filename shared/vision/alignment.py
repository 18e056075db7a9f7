"""Similarities between sets of points, and the upright chip of a face that the embedder looks at.

Frames: a float64 matrix M of shape (2, 3) maps (x, y) to M @ (x, y, 1); (0, 0) is the centre of the
first pixel.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CHIP_SIDE = 150
"""The chip is square; its side in pixels."""

DETECTED_IN_CHIP: Floats = np.array(
    [(45.93, 46.53), (103.07, 46.53), (74.5, 78.67), (49.72, 101.01), (99.28, 101.01)]
)
"""Where the detector's five points lie in the chip."""

# dlib, image_transforms/interpolation.h, get_face_chip_details: its mean face of five points; the
# padding on each side is the one that its recognition network was trained with.
_MEAN_FACE = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
_PADDING = 0.25

# dlib counts from the corner of the first pixel, OpenCV from its centre: hence the half.
PREDICTED_IN_CHIP: Floats = (_MEAN_FACE + _PADDING) / (1 + 2 * _PADDING) * CHIP_SIDE - 0.5
"""Where the five points of `shared.vision.landmarks` lie in the chip."""


def fit_similarities(source: Floats, targets: Floats) -> Floats:
    """Return the similarities that map points nearest to others, by least squares.

    In two dimensions the problem of S. Umeyama, "Least-squares estimation of transformation
    parameters between two point patterns" (PAMI 1991), is linear in the targets.

    Args:
        source: the points to map, shape (P, 2), not all the same.
        targets: where they shall come to lie, one row of points a similarity, shape (N, P, 2).

    Returns:
        The matrices, shape (N, 2, 3).

    """
    cosine, sine = (targets.reshape(-1, source.size) @ turn_weights(source)).T
    turns = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
    shifts = targets.mean(axis=1) - turns @ source.mean(axis=0)
    return np.concatenate([turns, shifts[:, :, np.newaxis]], axis=2)


def turn_weights(source: Floats) -> Floats:
    """Return the weights that targets (x, y, x, y...) give the similarity's turn with.

    Shape (2 P, 2): the first column gives scale * cosine, the second scale * sine. Targets need no
    centring, because the centred source sums up to 0.
    """
    centred = source - source.mean(axis=0)
    quarter_turned = centred[:, ::-1] * (-1, 1)
    columns = np.stack([centred.ravel(), quarter_turned.ravel()], axis=1)
    weights: Floats = columns / (centred**2).sum()
    return weights


def cut_chip(image_bgr: NDArray[np.uint8], to_image: Floats) -> NDArray[np.uint8]:
    """Return the chip of shape (150, 150, 3), black where it reaches beyond the image.

    A face larger than the chip is first shrunk by averaging: sampling it sparsely would make its
    vector depend on the photo's resolution.

    Args:
        image_bgr: the photo, shape (H, W, 3).
        to_image: the similarity from the chip to the image, shape (2, 3).

    """
    if np.hypot(*to_image[:, 0]) > 1:
        image_bgr, to_image = _shrink_to_chip(image_bgr, to_image)
    chip = cv2.warpAffine(
        image_bgr,
        to_image,
        (CHIP_SIDE, CHIP_SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(chip, np.uint8)


def _shrink_to_chip(
    image_bgr: NDArray[np.uint8], to_image: Floats
) -> tuple[NDArray[np.uint8], Floats]:
    """Return the part that the chip shows at the chip's scale, and the similarity to that."""
    scale = np.hypot(*to_image[:, 0])
    size = np.array(image_bgr.shape[1::-1])
    corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * CHIP_SIDE
    reach = corners @ to_image[:, :2].T + to_image[:, 2]
    low = np.clip(np.floor(reach.min(axis=0) - scale), 0, size - 1).astype(int)
    high = np.clip(np.ceil(reach.max(axis=0) + scale), low + 1, size).astype(int)
    shrunk_size = np.maximum(1, np.rint((high - low) / scale)).astype(int)
    around = image_bgr[low[1] : high[1], low[0] : high[0]]
    shrunk = cv2.resize(around, shrunk_size.tolist(), interpolation=cv2.INTER_AREA)
    factors = shrunk_size / (high - low)
    matrix = to_image * factors[:, np.newaxis]
    matrix[:, 2] += (0.5 - low) * factors - 0.5
    return np.asarray(shrunk, np.uint8), matrix
