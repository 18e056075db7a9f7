"""POST /enrollment_img/: enrol a person by the largest face of an image."""

from functions.withmind import _requests, _responses
from functions.withmind._dialect import withmind
from shared.app import App
from shared.core.recognition import enrollment
from shared.http import Payload, Request, endpoint


@endpoint(withmind)
def handler(request: Request, app: App) -> Payload:
    """Enrol the largest face of the image, replacing an earlier enrolment."""
    form = _requests.form(request)
    person_id = _requests.person_id(form, tenant=request.caller.tenant)
    _requests.check_details(form)
    enrollment.enrol(
        app.codec,
        app.detector,
        app.recognizers.get(app.model_version).embedder,
        app.persons,
        app.sealer,
        person_id=person_id,
        data=_requests.image_file(request, form, app.settings),
        deadline=request.deadline,
    )
    return _responses.enrolled()
