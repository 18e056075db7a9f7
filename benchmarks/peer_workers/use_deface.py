"""Hides faces with deface and its defaults, or times it. Run by `benchmarks.peers`.

`{"task": "hide", "method": "blur" | "mosaic", "photos": [{"source": str, "target": str,
"box": [x1, y1, x2, y2]}, ...]}` hides the face in each box and writes the photo to the target (a
PNG, so that nothing more is lost). The answer is the number of photos.

`{"task": "time", "photos": [path, ...], "repeats": int}` reads, detects, hides and writes. The
answer is `[{"ms": median, "boxes": [[x1, y1, x2, y2], ...]}, ...]`.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import imageio.v2 as imageio
import numpy as np
from deface.centerface import CenterFace  # type: ignore[import-not-found]
from deface.deface import anonymize_frame  # type: ignore[import-not-found]
from tqdm import tqdm  # type: ignore[import-untyped]


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    print(json.dumps(hide(request) if request["task"] == "hide" else measure(request)))


def hide(request: dict[str, Any]) -> int:
    """Write copies of photos with hidden faces; return their number."""
    for photo in tqdm(request["photos"], desc=f"deface {request['method']}"):
        frame = cv2.imread(photo["source"], cv2.IMREAD_COLOR)
        if frame is None:
            raise ValueError(f"{photo['source']} cannot be decoded")
        anonymize(frame, np.array([[*photo["box"], 1.0]]), request["method"])
        cv2.imwrite(photo["target"], frame)
    return len(request["photos"])


def measure(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the median duration and the boxes of each photo."""
    network = CenterFace(in_shape=None, backend="onnxrt")
    answer = []
    with tempfile.TemporaryDirectory() as folder:
        for photo in request["photos"]:
            durations = []
            boxes: list[list[float]] = []
            for _ in range(request["repeats"] + 1):
                start = time.perf_counter()
                boxes = detect_and_hide(network, photo, Path(folder, "out.jpg"))
                durations.append((time.perf_counter() - start) * 1000)
            answer.append({"ms": statistics.median(durations[1:]), "boxes": boxes})
    return answer


def detect_and_hide(network: Any, photo: str, target: Path) -> list[list[float]]:
    """Do what deface's `image_detect` does, and return the boxes."""
    frame = imageio.imread(photo)
    detections, _ = network(frame, threshold=0.2)
    anonymize(frame, detections, "blur")
    imageio.imsave(target, frame)
    return [[float(value) for value in row[:4]] for row in detections]


def anonymize(frame: Any, detections: Any, method: str) -> None:
    """Hide faces in place with deface's defaults."""
    anonymize_frame(
        detections, frame, mask_scale=1.3, replacewith=method, ellipse=True, draw_scores=False,
        replaceimg=None, mosaicsize=20,
    )  # fmt: skip


if __name__ == "__main__":
    main()
