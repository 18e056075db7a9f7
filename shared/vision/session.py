"""Inference sessions: one place for the choice of the execution provider and of the threads."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from shared.config import Provider

Device = Literal["cpu", "cuda"]


class ProviderUnavailableError(Exception):
    """The execution provider that the settings demand is not to be had on this machine."""


class Session:
    """A loaded model; `run` may be called from many threads at once.

    Threads do not spin while they wait: the sessions of one process share its cores, and two
    that spin slow each other down by almost half.
    """

    def __init__(self, model: bytes, *, provider: Provider, threads: int) -> None:
        """Load a model.

        Args:
            model: an ONNX file's bytes.
            provider: `auto` takes the GPU where there is one, and says so in `device`.
            threads: of one call, 0 for one a core.

        Raises:
            ProviderUnavailableError: `cuda` is demanded and cannot be had.
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
        """Return the named outputs (all for None) for the inputs."""
        results: list[NDArray[np.float32]] = self._session.run(outputs, dict(inputs))
        return results


def wants_gpu(provider: Provider) -> bool:
    """Tell whether sessions will be opened on a GPU."""
    return provider == "cuda" or (provider == "auto" and _is_for_gpus() and _has_cuda_driver())


def _providers(provider: Provider) -> list[str]:
    if not wants_gpu(provider):
        return ["CPUExecutionProvider"]
    if not _is_for_gpus():
        raise ProviderUnavailableError(
            "EXECUTION_PROVIDER=cuda, but the onnxruntime that is installed is the one for CPUs:"
            " install onnxruntime-gpu in its place, or use RUNTIME=gpu with make and the image"
        )
    ort.preload_dlls()  # finds CUDA and cuDNN where they were installed by pip
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def _is_for_gpus() -> bool:
    """Tell whether the wheel that is installed is `onnxruntime-gpu`, and not `onnxruntime`."""
    return "CUDAExecutionProvider" in ort.get_available_providers()


def _has_cuda_driver() -> bool:
    """Tell whether an NVIDIA driver with a device answers; onnxruntime would log errors.

    `tools/requirements.py` chooses the wheel by the same question.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return bool(driver.cuInit(0) == 0)
