"""Times deface on files, with its defaults: read, detect, hide, write.

Run by `benchmarks.peers`. Reads `{"photos": [path, ...], "repeats": int}` and answers with
`[{"ms": median, "boxes": [[x1, y1, x2, y2], ...]}, ...]`.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
from deface.centerface import CenterFace  # type: ignore[import-not-found]
from deface.deface import anonymize_frame  # type: ignore[import-not-found]


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    network = CenterFace(in_shape=None, backend="onnxrt")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "out.jpg")
        answer = [timed(network, photo, target, request["repeats"]) for photo in request["photos"]]
    print(json.dumps(answer))


def timed(network: Any, photo: str, target: Path, repeats: int) -> dict[str, Any]:
    """Return the median duration and the boxes of one photo, after one call that is not counted."""
    boxes = hide(network, photo, target)
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        hide(network, photo, target)
        durations.append((time.perf_counter() - start) * 1000)
    return {"ms": statistics.median(durations), "boxes": boxes}


def hide(network: Any, photo: str, target: Path) -> list[list[float]]:
    """Do what deface's `image_detect` does, and return the boxes."""
    frame = imageio.imread(photo)
    detections, _ = network(frame, threshold=0.2)
    anonymize_frame(
        detections,
        frame,
        mask_scale=1.3,
        replacewith="blur",
        ellipse=True,
        draw_scores=False,
        replaceimg=None,
        mosaicsize=20,
    )
    imageio.imsave(target, frame)
    return [[float(value) for value in row[:4]] for row in detections]


if __name__ == "__main__":
    main()
