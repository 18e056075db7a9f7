"""GET .../groups/{groupId}: tell of a group."""

from functions.nhn import _requests as requests
from functions.nhn import _responses as responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return the group with its number of faces."""
    group = requests.group(request, app)
    return responses.group_detail(group, utc_offset_h=app.settings.utc_offset_h)
