"""POST /analy_img/: say of each face of an image whether it is an enrolled person's."""

from functions.withmind import _shapes as shapes
from functions.withmind._dialect import withmind
from shared.app import App
from shared.core.recognition import enrollment
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(withmind)
def handler(request: Request, app: App) -> Payload:
    """Compare every face, from left to right, with the person's template."""
    form = shapes.form(request)
    person_id = shapes.person_id(form, tenant=request.caller.tenant)
    photo = app.codec.decode(shapes.image_file(request, form, app.settings))
    person = app.persons.get(person_id)
    matches = enrollment.analyse(
        app.sealer,
        app.detector,
        app.recognizers.get(person.model_version),
        person=person,
        photo=photo,
        threshold=app.settings.withmind_threshold,
        deadline=request.deadline,
    )
    return shapes.analysis(matches)
