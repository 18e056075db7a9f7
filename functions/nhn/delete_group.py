"""DELETE .../groups/{groupId}: delete a group."""

from functions.nhn import _requests as requests
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import groups
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Delete the group and all its faces, for ever."""
    groups.delete(
        app.groups,
        app.faces,
        tenant=request.caller.tenant,
        group_id=requests.group_id(request),
    )
    return {}
