"""POST .../groups/{groupId}: add the faces of an image to a group."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import faces
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Enrol the largest faces of the image."""
    limit = _requests.body_integer(request, "limit", low=1, high=20)
    label = _requests.external_image_id(request)
    image = _requests.image(request, "image")
    group = _requests.group(request, app)
    result = faces.add(
        app.vision,
        app.faces,
        app.sealer,
        app.recognizers.get(group.model_version).embedder,
        group=group,
        image=image,
        external_image_id=label,
        limit=limit,
        deadline=request.deadline,
    )
    return _responses.added_faces(group, result)
