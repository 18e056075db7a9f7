"""Describes faces with face_recognition and its defaults, or times it. Run by `benchmarks.peers`.

`{"task": "describe", "folder": str, "files": [str, ...]}` detects faces with HOG and describes the
one whose centre is nearest the photo's. The answer has for each file `{"vector": [128 floats],
"ms": float}`; the vector is null if no face was found, and the time is from file to vector.

`{"task": "time", "detect": path, "compare": [path, path], "repeats": int}` has as its answer the
median milliseconds of `detect` (faces and their 68 landmarks) and `compare` (two photos to a
distance), both from the file, and of `embed` (one aligned chip to a vector).
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlib  # type: ignore[import-not-found]
import face_recognition  # type: ignore[import-not-found]
import face_recognition_models  # type: ignore[import-not-found]
import numpy as np
from tqdm import tqdm  # type: ignore[import-untyped]


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    if request["task"] == "describe":
        files = tqdm(request["files"], desc="face_recognition")
        print(json.dumps([describe(Path(request["folder"], name)) for name in files]))
    else:
        print(json.dumps(measure(request)))


def describe(path: Path) -> dict[str, Any]:
    """Return the vector of the most central face of a photo, and the milliseconds it took."""
    start = time.perf_counter()
    image = face_recognition.load_image_file(path)
    height, width = image.shape[:2]

    def off_centre(face: tuple[int, int, int, int]) -> float:
        top, right, bottom, left = face
        return math.hypot(left + right - width, top + bottom - height)

    faces = sorted(face_recognition.face_locations(image), key=off_centre)[:1]
    vectors = face_recognition.face_encodings(image, faces)
    elapsed_ms = (time.perf_counter() - start) * 1000
    return {"vector": vectors[0].tolist() if vectors else None, "ms": elapsed_ms}


def measure(request: dict[str, Any]) -> dict[str, float]:
    """Return the median milliseconds of each operation."""
    network = dlib.face_recognition_model_v1(
        face_recognition_models.face_recognition_model_location()
    )
    chip = np.random.default_rng(1).integers(0, 255, (150, 150, 3), np.uint8)
    calls: dict[str, Callable[[], object]] = {
        "detect": lambda: detect(request["detect"]),
        "compare": lambda: compare(*request["compare"]),
        "embed": lambda: network.compute_face_descriptor(chip),
    }
    medians = {}
    for name, call in calls.items():
        durations = []
        for _ in range(request["repeats"] + 1):
            start = time.perf_counter()
            call()
            durations.append((time.perf_counter() - start) * 1000)
        medians[name] = statistics.median(durations[1:])
    return medians


def detect(path: str) -> object:
    """Find the faces of a photo and their landmarks."""
    image = face_recognition.load_image_file(path)
    return face_recognition.face_landmarks(image, face_recognition.face_locations(image))


def compare(source: str, target: str) -> object:
    """Compare the first face of one photo with the faces of another."""
    vectors = [
        face_recognition.face_encodings(face_recognition.load_image_file(path))
        for path in (source, target)
    ]
    return face_recognition.face_distance(vectors[1], vectors[0][0])


if __name__ == "__main__":
    main()
