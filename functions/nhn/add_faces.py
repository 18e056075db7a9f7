"""POST .../groups/{groupId}: add the faces of an image to a group."""

from functions.nhn import _shapes as shapes
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import detection, faces
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Enrol the largest faces of the image."""
    limit = shapes.body_integer(request, "limit", low=1, high=20)
    label = shapes.external_image_id(request)
    image = shapes.image(request, "image")
    group = shapes.group(request, app)
    result = faces.add(
        app.faces,
        app.sealer,
        app.detector,
        app.recognizers.get(group.model_version).embedder,
        app.poses,
        group=group,
        photo=detection.load(app.codec, app.image_source, image),
        external_image_id=label,
        limit=limit,
        deadline=request.deadline,
    )
    return shapes.added_faces(group, result)
