"""POST .../groups/{groupId}/search?limit&threshold: search by image."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import search
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return the faces of the group most similar to the largest face of the image."""
    limit = _requests.query_integer(request, "limit", low=1, high=4096)
    threshold = _requests.query_integer(request, "threshold", low=1, high=100)
    image = _requests.image(request, "image")
    group = _requests.group(request, app)
    found = search.by_image(
        app.vision,
        app.faces,
        app.index,
        app.recognizers.get(group.model_version),
        group=group,
        image=image,
        limit=limit,
        threshold=threshold,
        deadline=request.deadline,
    )
    return {
        **_responses.matches(group, found.matches),
        "sourceFace": _responses.source_face(found.box, found.confidence),
    }
