"""Turns published weights into the files that the service loads."""

from collections.abc import Callable
from typing import Final

import onnx

from tools.models import face_mesh, sface, yunet


def convert(name: str, published: bytes) -> bytes:
    """Return the prepared file of a model.

    It is the ONNX message alone, without a container around it, and its numbers are made by
    operations that IEEE 754 defines to the last bit. So the same bytes come out on every machine
    that has the pinned versions of onnx and numpy.

    Args:
        name: of the model in the catalogue.
        published: the file that it is made of.
    """
    written: bytes = _CONVERSIONS[name](published).SerializeToString(deterministic=True)
    return written


_CONVERSIONS: Final[dict[str, Callable[[bytes], onnx.ModelProto]]] = {
    "yunet": yunet.build,
    "face-mesh": face_mesh.build,
    "sface": sface.build,
}
