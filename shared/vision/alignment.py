"""Similarities between sets of points, and square crops of a photo through them.

Frames: a float64 matrix M of shape (2, 3) maps (x, y) to M @ (x, y, 1); (0, 0) is the centre of the
first pixel.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    centred = source - source.mean(axis=0)
    quarter_turned = centred[:, ::-1] * (-1, 1)
    columns = np.stack([centred.ravel(), quarter_turned.ravel()], axis=1) / (centred**2).sum()
    cosine, sine = (targets.reshape(-1, source.size) @ columns).T  # each times the scale
    turns = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
    shifts = targets.mean(axis=1) - turns @ source.mean(axis=0)
    return np.concatenate([turns, shifts[:, :, np.newaxis]], axis=2)


def turns_of(similarities: Floats) -> Floats:
    """Return by how much similarities, shape (N, 2, 3), turn: clockwise in degrees, shape (N,)."""
    turns: Floats = np.degrees(np.arctan2(similarities[:, 1, 0], similarities[:, 0, 0]))
    return turns


def cut_square(image_bgr: NDArray[np.uint8], to_image: Floats, side: int) -> NDArray[np.uint8]:
    """Return the crop of shape (side, side, 3), black where it reaches beyond the image.

    What is larger than the crop is first shrunk by averaging: sampling it sparsely would make what
    is seen in it depend on the photo's resolution.

    Args:
        image_bgr: the photo, shape (H, W, 3).
        to_image: the similarity from the crop to the image, shape (2, 3).
        side: of the crop, in pixels.
    """
    if np.hypot(*to_image[:, 0]) > 1:
        image_bgr, to_image = _shrink(image_bgr, to_image, side)
    crop = cv2.warpAffine(
        image_bgr,
        to_image,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(crop, np.uint8)


def _shrink(
    image_bgr: NDArray[np.uint8], to_image: Floats, side: int
) -> tuple[NDArray[np.uint8], Floats]:
    """Return the part that a crop shows, at the crop's scale, and the similarity to that."""
    scale = np.hypot(*to_image[:, 0])
    size = np.array(image_bgr.shape[1::-1])
    corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * side
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
