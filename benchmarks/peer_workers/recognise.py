"""face_recognition's own pipeline: HOG detection, 5 points, dlib's network.

Run by `benchmarks.peers`. Reads `{"folder": str, "files": [str, ...]}` and writes for each file, in
order, `{"vector": [128 floats] | null, "ms": float}`: the vector of the face whose centre is
nearest the photo's, null where no face was found, and the time from file to vector.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import face_recognition  # type: ignore[import-not-found]
from tqdm import tqdm  # type: ignore[import-untyped]


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    files = tqdm(request["files"], desc="face_recognition")
    print(json.dumps([describe(folder / name) for name in files]))


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


if __name__ == "__main__":
    main()
