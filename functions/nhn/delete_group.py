"""DELETE .../groups/{groupId}: delete a group."""

from functions.nhn import _requests
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import groups
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Delete the group and all its faces irreversibly."""
    groups.delete(
        app.groups,
        app.faces,
        tenant=request.caller.tenant,
        group_id=_requests.group_id(request),
    )
    return {}
