"""POST .../groups/{groupId}/search?limit&threshold: search by image."""

from functions.nhn import _requests as requests
from functions.nhn import _responses as responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import search
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return the faces of the group most like the largest face of the image."""
    limit = requests.query_integer(request, "limit", low=1, high=4096)
    threshold = requests.query_integer(request, "threshold", low=1, high=100)
    image = requests.image(request, "image")
    group = requests.group(request, app)
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
        **responses.matches(group, found.matches),
        "sourceFace": responses.source_face(found.box, found.confidence),
    }
