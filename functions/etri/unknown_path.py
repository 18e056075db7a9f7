"""Every path without an API: refused in ETRI's wire format, after the key has been checked."""

from functions.etri._dialect import etri
from shared.app import App
from shared.core.errors import ForbiddenSubpathError, UnknownApiError
from shared.http import Payload, Request, endpoint

_API = "/FaceDeID/"


@endpoint(etri, is_counted=False)
def handler(request: Request, app: App) -> Payload:
    """Refuse the call."""
    if request.path.startswith(_API):
        raise ForbiddenSubpathError
    raise UnknownApiError
