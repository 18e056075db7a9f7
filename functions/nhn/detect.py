"""POST .../detect: detect the faces in an image."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import detection
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return up to 20 faces, largest first."""
    image = _requests.image(request, "image")
    return _responses.detection(detection.detect(app.vision, image, request.deadline))
