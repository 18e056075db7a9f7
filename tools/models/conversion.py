"""Converts published weights into the files that the service loads."""

from collections.abc import Callable
from typing import Final

import onnx

from tools.models import face_mesh, sface, yunet


def convert(name: str, published: bytes) -> bytes:
    """Return the prepared file of a model: an ONNX message, without a container around it.

    Its numbers are computed by operations that IEEE 754 defines to the last bit. So every machine
    with the pinned versions of onnx and numpy produces the same bytes.

    Args:
        name: the model's name in the catalogue.
        published: the content of the published file.
    """
    return bytes(_CONVERSIONS[name](published).SerializeToString(deterministic=True))


_CONVERSIONS: Final[dict[str, Callable[[bytes], onnx.ModelProto]]] = {
    "yunet": yunet.build,
    "face-mesh": face_mesh.build,
    "sface": sface.build,
}
