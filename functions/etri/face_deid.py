"""POST /FaceDeID: find the faces of a photo and hide them, or those of some people."""

from functools import partial

from functions.etri import _requests as requests
from functions.etri import _responses as responses
from functions.etri._dialect import etri, faces_field
from shared.app import App
from shared.core.hiding.deidentify import deidentify
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(etri)
def handler(request: Request, app: App) -> Payload:
    """Return the photo with its faces hidden, and where they are."""
    result = deidentify(
        app.codec,
        app.detector,
        app.redactor,
        partial(app.open_gallery, request.caller.tenant),
        data=requests.image_file(request),
        options=requests.options(request),
        deadline=request.deadline,
    )
    return responses.deidentified(
        result, faces_field=faces_field(request), with_action=requests.has_options(request)
    )
