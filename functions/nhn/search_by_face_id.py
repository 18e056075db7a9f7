"""GET .../groups/{groupId}/faces/{faceId}?limit&threshold: search by face id."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import search
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return the faces of the group most similar to one of them."""
    limit = _requests.query_integer(request, "limit", low=1, high=4096)
    threshold = _requests.query_integer(request, "threshold", low=1, high=100)
    group = _requests.group(request, app)
    found = search.by_face_id(
        app.faces,
        app.sealer,
        app.index,
        app.recognizers.get(group.model_version),
        group=group,
        face_id=request.path_parameters["faceId"],
        limit=limit,
        threshold=threshold,
    )
    return _responses.matches(group, found)
