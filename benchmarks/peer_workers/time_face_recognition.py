"""Times face_recognition, with its defaults: HOG detection, 68 points, dlib's network.

Run by `benchmarks.peers`. Reads `{"detect": path, "compare": [path, path], "repeats": int}` and
answers with the median milliseconds of `detect` (faces, landmarks) and `compare` (two photos to a
distance), from the file, and of `embed` (one aligned chip to a vector).
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import dlib  # type: ignore[import-not-found]
import face_recognition  # type: ignore[import-not-found]
import face_recognition_models  # type: ignore[import-not-found]
import numpy as np


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    repeats = request["repeats"]
    network = dlib.face_recognition_model_v1(
        face_recognition_models.face_recognition_model_location()
    )
    chip = np.random.default_rng(1).integers(0, 255, (150, 150, 3), np.uint8)
    answer = {
        "detect": median_ms(lambda: detect(request["detect"]), repeats),
        "compare": median_ms(lambda: compare(*request["compare"]), repeats),
        "embed": median_ms(lambda: network.compute_face_descriptor(chip), repeats),
    }
    print(json.dumps(answer))


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


def median_ms(call: Callable[[], object], repeats: int) -> float:
    """Return the median duration of a call, after one that is not counted."""
    call()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        durations.append((time.perf_counter() - start) * 1000)
    return statistics.median(durations)


if __name__ == "__main__":
    main()
