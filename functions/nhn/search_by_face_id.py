"""GET .../groups/{groupId}/faces/{faceId}?limit&threshold: search by face id."""

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
    """Return the faces of the group most like one of its own."""
    limit = requests.query_integer(request, "limit", low=1, high=4096)
    threshold = requests.query_integer(request, "threshold", low=1, high=100)
    group = requests.group(request, app)
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
    return responses.matches(group, found)
