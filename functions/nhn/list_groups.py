"""GET .../groups?limit&next-token: list groups."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import groups
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return a page of the tenant's groups."""
    page = _requests.page(request, app, "groups")
    found = groups.list_page(app.groups, tenant=request.caller.tenant, page=page)
    return _responses.group_list(found)
