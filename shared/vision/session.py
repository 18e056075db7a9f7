"""Inference sessions: the one place that chooses the execution provider and the threads."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from shared.config import Provider

Device = Literal["cpu", "cuda"]


class ProviderUnavailableError(Exception):
    """The execution provider that the settings require is not available on this machine."""


class Session:
    """A loaded model; `run` can be called from several threads at once.

    Threads do not spin while they wait: the sessions of one process share its cores, and two
    spinning ones slow each other down by almost half.
    """

    def __init__(self, model: bytes, *, provider: Provider, threads: int) -> None:
        """Load a model.

        Args:
            model: the content of an ONNX file.
            provider: `auto` uses a GPU if there is one; `device` says which was chosen.
            threads: per call; 0 means one per core.

        Raises:
            ProviderUnavailableError: the provider is `cuda`, which is not available.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # it plans for one input shape; ours vary by photo
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(model, options, providers=_providers(provider))
        self.input: str = self._session.get_inputs()[0].name
        active = self._session.get_providers()
        self.device: Device = "cuda" if "CUDAExecutionProvider" in active else "cpu"
        if provider == "cuda" and self.device != "cuda":
            raise ProviderUnavailableError(
                "EXECUTION_PROVIDER=cuda, but onnxruntime could not start CUDA: check the driver,"
                " and that the CUDA and cuDNN libraries of its version are installed"
            )

    def run(
        self, outputs: Sequence[str] | None, inputs: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """Return the named outputs for the inputs; None means all outputs."""
        results: list[NDArray[np.float32]] = self._session.run(outputs, dict(inputs))
        return results


def wants_gpu(provider: Provider) -> bool:
    """Return whether sessions will be opened on a GPU."""
    return provider == "cuda" or (provider == "auto" and _is_gpu_build() and _has_cuda_driver())


def _providers(provider: Provider) -> list[str]:
    if not wants_gpu(provider):
        return ["CPUExecutionProvider"]
    if not _is_gpu_build():
        raise ProviderUnavailableError(
            "EXECUTION_PROVIDER=cuda, but the onnxruntime that is installed is the one for CPUs:"
            " install onnxruntime-gpu in its place, or use RUNTIME=gpu with make and the image"
        )
    ort.preload_dlls()  # finds CUDA and cuDNN if they were installed with pip
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def _is_gpu_build() -> bool:
    """Return whether `onnxruntime-gpu` is installed rather than `onnxruntime`."""
    return "CUDAExecutionProvider" in ort.get_available_providers()


def _has_cuda_driver() -> bool:
    """Return whether an NVIDIA driver with a device responds; onnxruntime would log errors.

    `tools/requirements.py` chooses the wheel by the same check.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return bool(driver.cuInit(0) == 0)
