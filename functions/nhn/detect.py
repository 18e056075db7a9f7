"""POST .../detect: find the faces of an image."""

from functions.nhn import _requests as requests
from functions.nhn import _responses as responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import detection
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return up to 20 faces, largest first."""
    image = requests.image(request, "image")
    return responses.detection(detection.detect(app.vision, image, request.deadline))
