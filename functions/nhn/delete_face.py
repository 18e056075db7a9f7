"""DELETE .../groups/{groupId}/faces/{faceId}: delete a face."""

from functions.nhn import _requests
from functions.nhn._dialect import nhn
from shared.app import App
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Remove the face from the group."""
    app.faces.remove(_requests.group(request, app), request.path_parameters["faceId"])
    return {}
