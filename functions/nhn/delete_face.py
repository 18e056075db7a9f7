"""DELETE .../groups/{groupId}/faces/{faceId}: delete a face."""

from functions.nhn import _requests as requests
from functions.nhn._dialect import nhn
from shared.app import App
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Remove the face from the group."""
    app.faces.remove(requests.group(request, app), request.path_parameters["faceId"])
    return {}
