"""POST /FaceDeID: find the faces of a photo and hide them, or those of some people."""

from functions.etri import _shapes as shapes
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
        app.galleries_of(request.caller.tenant),
        data=shapes.image_file(request),
        options=shapes.options(request),
        deadline=request.deadline,
    )
    return shapes.deidentified(request, result, faces_field=faces_field(request))
