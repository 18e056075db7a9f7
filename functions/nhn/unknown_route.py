"""Every other route below the base path: refused in NHN's envelope, with HTTP 404."""

from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.errors import UnknownApiError
from shared.http import Payload, Request, endpoint


@endpoint(nhn, is_counted=False)
def handler(request: Request, app: App) -> Payload:
    """Refuse the call."""
    raise UnknownApiError
