"""GET .../groups?limit&next-token: list groups."""

from functions.nhn import _requests as requests
from functions.nhn import _responses as responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition import groups
from shared.core.recognition.paging import Scope
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Return a page of the tenant's groups."""
    limit, token = requests.page(request, highest_limit=200)
    found = groups.list_page(
        app.groups,
        tenant=request.caller.tenant,
        limit=limit,
        token=token,
        scope=Scope(request.caller.key_hash, "groups"),
        secret=app.key_secret,
    )
    return responses.group_list(found)
