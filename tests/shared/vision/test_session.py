"""Sessions: the execution provider, and concurrent calls."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from shared.config import Settings
from shared.vision import weights
from shared.vision.session import ProviderUnavailableError, Session, wants_gpu

pytestmark = pytest.mark.integration

MODEL = weights.published().load("sface", Settings.from_environment().models_dir)
CHIPS = np.random.default_rng(2).uniform(0, 255, (4, 3, 112, 112)).astype(np.float32)


def test_runs_on_the_cpu_if_required() -> None:
    session = Session(MODEL, provider="cpu", threads=1)
    assert session.device == "cpu"
    (vectors,) = session.run(["vectors"], {"chips": CHIPS})
    assert vectors.shape == (4, 128)


def test_knows_the_name_of_the_input() -> None:
    assert Session(MODEL, provider="cpu", threads=1).input == "chips"


def test_auto_names_the_chosen_device() -> None:
    expected = "cuda" if wants_gpu("auto") else "cpu"
    assert Session(MODEL, provider="auto", threads=1).device == expected


@pytest.mark.usefixtures("without_a_gpu")
def test_cuda_fails_if_unavailable() -> None:
    with pytest.raises(ProviderUnavailableError, match="EXECUTION_PROVIDER=cuda"):
        Session(MODEL, provider="cuda", threads=1)


def test_never_requests_cuda_from_an_onnxruntime_for_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "shared.vision.session"
    monkeypatch.setattr(f"{module}.ort.get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(f"{module}._has_cuda_driver", lambda: True)
    assert Session(MODEL, provider="auto", threads=1).device == "cpu"
    assert not wants_gpu("auto")
    with pytest.raises(ProviderUnavailableError, match="RUNTIME=gpu"):
        Session(MODEL, provider="cuda", threads=1)


@pytest.fixture
def without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the GPUs of the machine, if it has any."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")


def test_concurrent_calls_give_the_same_results() -> None:
    session = Session(MODEL, provider="cpu", threads=2)
    alone = [session.run(None, {"chips": CHIPS[i : i + 1]})[0] for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda i: session.run(None, {"chips": CHIPS[i : i + 1]})[0], [0, 1, 2, 3] * 5)
        )
    assert all(np.array_equal(together[n], alone[n % 4]) for n in range(20))
