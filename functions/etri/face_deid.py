"""POST /FaceDeID: detect the faces in a photo and hide all of them, or those of some people."""

from functools import partial

from functions.etri import _requests, _responses
from functions.etri._dialect import etri, faces_field
from shared.app import App
from shared.core.hiding.deidentify import deidentify
from shared.http import Payload, Request, endpoint


@endpoint(etri)
def handler(request: Request, app: App) -> Payload:
    """Return the photo with hidden faces, and the boxes of the faces."""
    result = deidentify(
        app.codec,
        app.detector,
        app.redactor,
        partial(app.open_gallery, request.caller.tenant),
        data=_requests.image_file(request),
        options=_requests.options(request),
        deadline=request.deadline,
    )
    return _responses.deidentified(
        result, faces_field=faces_field(request), with_action=_requests.has_options(request)
    )
