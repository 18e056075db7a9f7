"""GET .../groups/{groupId}/faces?limit&next-token: list the faces of a group."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import faces
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return a page of the group's faces, newest first."""
    page = _requests.page(request, app, "faces")
    group = _requests.group(request, app)
    return _responses.face_list(group, faces.list_page(app.faces, group=group, page=page))
