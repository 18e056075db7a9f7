"""Images of any content and any shape are processed without an error."""

import math

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.app import App
from shared.core.photos.models import DetectionProfile, ImageFormat, Photo
from tests import image_files

_FACE = np.asarray(image_files.photo())[..., ::-1]
_MAX_SIDE = 600  # pixels
_MAX = 200_000  # pixels

sides = st.integers(1, _MAX_SIDE) | st.sampled_from([1, 2, 31, 32, 33, 159, 160, 319, 320, 321])
shapes = st.tuples(sides, sides).filter(lambda shape: math.prod(shape) <= _MAX)


def filled(shape: tuple[int, int], content: str, number: int) -> NDArray[np.uint8]:
    """Return an image of a shape: one of each kind of content and each number."""
    chance = np.random.default_rng(number)
    colour = chance.integers(0, 256, 3)
    image = np.empty((*shape, 3), np.uint8)
    match content:
        case "one colour":
            image[:] = colour
        case "noise":
            image[:] = chance.integers(0, 256, image.shape)
        case "dark noise":
            image[:] = chance.integers(0, 12, image.shape)
        case "stripes":
            image[:] = 0
            image[:: number % 7 + 1, :: number % 5 + 1] = colour
        case "faces":
            turned = np.rot90(_FACE, number)
            tall, wide = -(-shape[0] // turned.shape[0]), -(-shape[1] // turned.shape[1])
            image[:] = np.tile(turned, (tall, wide, 1))[: shape[0], : shape[1]]
    return image


@pytest.mark.parametrize("profile", DetectionProfile)
@seed(1)
@settings(max_examples=40, deadline=None)
@given(
    shape=shapes,
    content=st.sampled_from(["one colour", "noise", "dark noise", "stripes", "faces"]),
    number=st.integers(0, 1000),
    threshold=st.none() | st.sampled_from([0.01, 0.3]),
)
def test_detections_are_finite_and_inside_the_image(
    app: App,
    profile: DetectionProfile,
    shape: tuple[int, int],
    content: str,
    number: int,
    threshold: float | None,
) -> None:
    height, width = shape
    image = filled(shape, content, number)
    photo = Photo(image, image, 1, has_orientation=False, format=ImageFormat.PNG, quality=None)
    faces = app.detector.detect(photo, profile=profile, threshold=threshold)
    for face in faces:
        assert 0 <= face.box.x1 < face.box.x2 <= width
        assert 0 <= face.box.y1 < face.box.y2 <= height
        assert 0 < face.confidence <= 1
        assert np.isfinite(face.landmarks).all()
    poses = app.poses.estimate(photo, faces)
    assert len(poses) == len(faces)
    for pose in poses:
        assert np.isfinite([pose.yaw, pose.pitch, pose.roll]).all()
        assert max(abs(pose.yaw), abs(pose.roll)) <= 180
        assert abs(pose.pitch) <= 90
