"""GET .../groups/{groupId}: describe a group."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return the group with its number of faces."""
    group = _requests.group(request, app)
    return _responses.group_detail(group, utc_offset_h=app.settings.utc_offset_h)
