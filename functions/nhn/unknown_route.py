"""Every route below the base that is no operation: refused in NHN's envelope, with HTTP 404."""

from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.errors import UnknownApiError
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn, is_counted=False)
def handler(request: Request, app: App) -> Payload:
    """Refuse the call."""
    raise UnknownApiError
