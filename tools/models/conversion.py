"""Turns published weights into the files that the service loads."""

import io
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

import numpy as np
import onnx

from tools.models import detector, dlib_predictor, dlib_resnet, embedder
from tools.models.quantisation import equalise, load_calibrations, quantise


def convert(name: str, published: bytes) -> bytes:
    """Return the prepared file of a model.

    The same bytes come out on every machine that has the pinned versions of onnx and numpy.

    Args:
        name: of the model in the catalogue.
        published: the file that it is made of.
    """
    return _CONVERSIONS[name](published)


def _centerface(published: bytes) -> bytes:
    return _serialised(detector.build(published))


def _centerface_int8(published: bytes) -> bytes:
    measured = load_calibrations()["centerface"]
    equalised = equalise(detector.build(published), measured.exponents)
    return _serialised(quantise(equalised, measured.ranges))


def _dlib_resnet_fp32(published: bytes) -> bytes:
    return _serialised(embedder.build(dlib_resnet.read(published)))


def _dlib_resnet_int8(published: bytes) -> bytes:
    measured = load_calibrations()["dlib-resnet"]
    return _serialised(quantise(embedder.build(dlib_resnet.read(published)), measured.ranges))


def _dlib_5_points(published: bytes) -> bytes:
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **asdict(dlib_predictor.read(published)))
    return arrays.getvalue()


def _serialised(model: onnx.ModelProto) -> bytes:
    written: bytes = model.SerializeToString(deterministic=True)
    return written


_CONVERSIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "centerface": _centerface,
    "centerface-int8": _centerface_int8,
    "dlib-resnet-fp32": _dlib_resnet_fp32,
    "dlib-resnet-int8": _dlib_resnet_int8,
    "dlib-5-points": _dlib_5_points,
}
