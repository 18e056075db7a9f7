"""deface's own hiding, with its defaults (mask scale 1.3, ellipse, mosaic of 20 pixels).

Run by `benchmarks.peers`. Reads `{"method": "blur" | "mosaic", "photos": [{"source": str,
"target": str, "box": [x1, y1, x2, y2]}, ...]}`, writes each photo with the face in its box hidden
to the target (a PNG, so that nothing more is lost), and answers with the number of photos.
"""

import json
import sys
from typing import Any

import cv2
import numpy as np
from deface.deface import anonymize_frame  # type: ignore[import-not-found]
from tqdm import tqdm  # type: ignore[import-untyped]


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    for photo in tqdm(request["photos"], desc=f"deface {request['method']}"):
        hide(photo, request["method"])
    print(json.dumps(len(request["photos"])))


def hide(photo: dict[str, Any], method: str) -> None:
    """Write a copy of a photo in which the face is hidden."""
    frame = cv2.imread(photo["source"], cv2.IMREAD_COLOR)
    if frame is None:
        raise ValueError(f"{photo['source']} cannot be decoded")
    anonymize_frame(
        np.array([[*photo["box"], 1.0]]),
        frame,
        mask_scale=1.3,
        replacewith=method,
        ellipse=True,
        draw_scores=False,
        replaceimg=None,
        mosaicsize=20,
    )
    cv2.imwrite(photo["target"], frame)


if __name__ == "__main__":
    main()
