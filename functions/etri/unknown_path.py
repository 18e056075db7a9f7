"""Every path that is no API: refused in ETRI's words, after the key was checked."""

from functions.etri._dialect import etri
from shared.app import App
from shared.core.errors import ForbiddenSubpathError, UnknownApiError
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload

_API = "/FaceDeID/"


@endpoint(etri, is_counted=False)
def handler(request: Request, app: App) -> Payload:
    """Refuse the call."""
    if request.path.startswith(_API):
        raise ForbiddenSubpathError
    raise UnknownApiError
