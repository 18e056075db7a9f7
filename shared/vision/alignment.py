"""Similarity transforms between sets of points, and square crops of a photo through them.

A similarity is a float64 matrix M of shape (2, 3) that maps (x, y) to M @ (x, y, 1): a rotation, a
scale and a shift. Coordinates are pixels; (0, 0) is the centre of the first pixel.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fit_similarities(source: Floats, targets: Floats) -> Floats:
    """Return the least-squares similarities from one set of points to others.

    In two dimensions, the problem of S. Umeyama, "Least-squares estimation of transformation
    parameters between two point patterns" (PAMI 1991), is linear in the targets.

    Args:
        source: the points to map, shape (P, 2), not all equal.
        targets: the points to map them to, shape (N, P, 2).

    Returns:
        The similarities, shape (N, 2, 3).
    """
    centred = source - source.mean(axis=0)
    rotated = centred[:, ::-1] * (-1, 1)  # by a quarter turn
    columns = np.stack([centred.ravel(), rotated.ravel()], axis=1) / (centred**2).sum()
    cosine, sine = (targets.reshape(-1, source.size) @ columns).T  # each times the scale
    linear = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
    return similarities_through(linear, source.mean(axis=0), targets.mean(axis=1))


def similarities_through(linear: Floats, source: Floats, targets: Floats) -> Floats:
    """Return the similarities with given linear parts that map one point to others.

    Args:
        linear: rotation and scale, shape (..., 2, 2).
        source: the point to map, shape (2,).
        targets: the points to map it to, shape (..., 2).

    Returns:
        The similarities, shape (..., 2, 3).
    """
    shifts = targets - linear @ source
    return np.concatenate([linear, shifts[..., np.newaxis]], axis=-1)


def rotations_of(similarities: Floats) -> Floats:
    """Return the rotations of similarities (N, 2, 3), clockwise in degrees, shape (N,)."""
    return np.asarray(np.degrees(np.arctan2(similarities[:, 1, 0], similarities[:, 0, 0])))


def crop_square(image_bgr: NDArray[np.uint8], to_image: Floats, side: int) -> NDArray[np.uint8]:
    """Return a crop, uint8 BGR of shape (side, side, 3), black where it leaves the image.

    An image at a larger scale than the crop is first shrunk by averaging. Otherwise, sparse
    sampling would make the crop depend on the photo's resolution.

    Args:
        image_bgr: the photo, shape (H, W, 3).
        to_image: the similarity from the crop to the image, shape (2, 3).
        side: the side of the crop, in pixels.
    """
    if np.hypot(*to_image[:, 0]) > 1:
        image_bgr, to_image = _shrink(image_bgr, to_image, side)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP  # the default border is black
    return np.asarray(cv2.warpAffine(image_bgr, to_image, (side, side), flags=flags), np.uint8)


def _shrink(
    image_bgr: NDArray[np.uint8], to_image: Floats, side: int
) -> tuple[NDArray[np.uint8], Floats]:
    """Return the cropped part of the image at the crop's scale, and the similarity to that part."""
    scale = np.hypot(*to_image[:, 0])
    size = np.array(image_bgr.shape[1::-1])
    corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) * side
    reach = corners @ to_image[:, :2].T + to_image[:, 2]
    low = np.clip(np.floor(reach.min(axis=0) - scale), 0, size - 1).astype(int)
    high = np.clip(np.ceil(reach.max(axis=0) + scale), low + 1, size).astype(int)
    shrunk_size = np.maximum(1, np.rint((high - low) / scale)).astype(int)
    part = image_bgr[low[1] : high[1], low[0] : high[0]]
    shrunk = cv2.resize(part, shrunk_size.tolist(), interpolation=cv2.INTER_AREA)
    factors = shrunk_size / (high - low)
    matrix = to_image * factors[:, np.newaxis]
    matrix[:, 2] += (0.5 - low) * factors - 0.5
    return np.asarray(shrunk, np.uint8), matrix
