"""Metrics of vision, on a real photo with the real models."""

from pathlib import Path

import pytest

from harness import builders, photos
from shared.core.hiding.ports import HideMethod
from shared.core.photos.models import DetectionProfile
from tests.fakes import InMemoryMetrics


@pytest.mark.integration
def test_counts_detected_embedded_and_hidden_faces(tmp_path: Path) -> None:
    metrics = InMemoryMetrics()
    app = builders.app_with(builders.settings(tmp_path), metrics=metrics)
    photo = app.codec.decode(photos.astronaut_jpeg())
    faces = app.detector.detect(photo, profile=DetectionProfile.RECOGNITION)
    embedder = app.recognizers.get(app.model_version).embedder
    vectors = embedder.embed(photo, faces)
    assert embedder.embed(photo, []).shape == (0, 128)
    hidden = app.redactor.hide(photo, faces, HideMethod.SOLID)
    app.redactor.draw(hidden, faces)
    assert vectors.shape == (len(faces), 128)
    assert metrics.totals == {("faces_hidden", "solid"): len(faces)}
    assert metrics.values["faces_found",] == [len(faces)] == [1]
    assert metrics.values["faces_embedded",] == [len(faces)]
    for duration in ("detection_duration_seconds", "embedding_duration_seconds"):
        (duration_s,) = metrics.values[duration,]
        assert 0 < duration_s < 30
