"""POST .../groups: create a group."""

from functions.nhn import _requests
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import groups
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Create an empty group."""
    groups.create(
        app.groups,
        app.sealer,
        tenant=request.caller.tenant,
        group_id=_requests.new_group_id(request),
        model_version=app.model_version,
    )
    return {}
