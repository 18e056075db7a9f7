"""POST .../detect: find the faces of an image."""

from functions.nhn import _shapes as shapes
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import detection
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return up to 20 faces, largest first."""
    photo = detection.load(app.codec, app.image_source, shapes.image(request, "image"))
    faces = detection.find_faces(app.detector, photo, request.deadline)
    return shapes.detection(detection.describe(app.poses, photo, faces))
