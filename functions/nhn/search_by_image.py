"""POST .../groups/{groupId}/search?limit&threshold: search by image."""

from functions.nhn import _shapes as shapes
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.photos import geometry
from shared.core.recognition import detection, search
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return the faces of the group most like the largest face of the image."""
    limit = shapes.query_integer(request, "limit", low=1, high=4096)
    threshold = shapes.query_integer(request, "threshold", low=1, high=100)
    image = shapes.image(request, "image")
    group = shapes.group(request, app)
    photo = detection.load(app.codec, app.image_source, image)
    face = detection.find_largest(app.detector, photo, request.deadline)
    found = search.by_image(
        app.faces,
        app.index,
        app.recognizers.get(group.model_version),
        group=group,
        photo=photo,
        face=face,
        limit=limit,
        threshold=threshold,
    )
    box = geometry.as_ratios(face.box, *photo.upright_size)
    return {
        **shapes.matches(group, found),
        "sourceFace": shapes.source_face(box, face.confidence),
    }
