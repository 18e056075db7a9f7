"""POST .../groups: create a group."""

from functions.nhn import _requests as requests
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import groups
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Create an empty group."""
    groups.create(
        app.groups,
        app.sealer,
        tenant=request.caller.tenant,
        group_id=requests.new_group_id(request),
        model_version=app.model_version,
    )
    return {}
