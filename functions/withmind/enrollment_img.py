"""POST /enrollment_img/: enrol a person by the largest face of an image."""

from functions.withmind import _shapes as shapes
from functions.withmind._dialect import withmind
from shared.app import App
from shared.core.recognition import enrollment
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(withmind)
def handler(request: Request, app: App) -> Payload:
    """Make the largest face the person's template, in place of an earlier one."""
    form = shapes.form(request)
    person_id = shapes.person_id(form, tenant=request.caller.tenant)
    shapes.check_details(form)
    enrollment.enrol(
        app.persons,
        app.sealer,
        app.detector,
        app.recognizers.get(app.model_version).embedder,
        person_id=person_id,
        photo=app.codec.decode(shapes.image_file(request, form, app.settings)),
        deadline=request.deadline,
    )
    return shapes.enrolled()
