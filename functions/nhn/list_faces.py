"""GET .../groups/{groupId}/faces?limit&next-token: list the faces of a group."""

from functions.nhn import _requests as requests
from functions.nhn import _responses as responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import faces
from shared.core.recognition.paging import Scope
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return a page of the group's faces, newest first."""
    limit, token = requests.page(request, highest_limit=200)
    group = requests.group(request, app)
    found = faces.list_page(
        app.faces,
        group=group,
        limit=limit,
        token=token,
        scope=Scope(request.caller.key_hash, "faces", group.generation),
        secret=app.key_secret,
    )
    return responses.face_list(group, found)
