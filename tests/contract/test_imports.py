"""What imports what, and what a cold start costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.config import ROOT

HEAVY = (
    "onnxruntime", "cv2", "boto3", "botocore", "pynamodb", "flask", "yaml", "rich", "numba",
    "prometheus_client",
)  # fmt: skip


def test_the_import_rules_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "handler",
    [
        "functions.etri.face_deid",
        "functions.etri.unknown_path",
        "functions.events.clean_up",
        "functions.events.deidentify_upload",
        "functions.events.update_index",
        "functions.withmind.analy_img",
    ],
)
def test_importing_a_handler_loads_nothing_heavy(handler: str) -> None:
    assert modules_after(f"import {handler}").isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "module",
    ["functions.etri.face_deid", "functions.events.deidentify_upload", "shared"],
)
def test_numpy_is_not_loaded_before_it_was_told(module: str) -> None:
    """`shared/__init__.py` tells it to spin no threads."""
    assert "numpy" not in modules_after(f"import {module}")


@pytest.mark.parametrize("metrics", ["none", "emf"])
def test_a_light_call_loads_no_model(tmp_path: Path, metrics: str) -> None:
    code = f"""
from functions.etri.unknown_path import handler
from tests import builders
from shared.app import App
from pathlib import Path
app = App(builders.settings(Path({str(tmp_path)!r}), METRICS={metrics!r}))
reply = handler(builders.event(path="/x"), None, app)
assert reply["statusCode"] == 403
"""
    assert modules_after(code).isdisjoint(HEAVY)
