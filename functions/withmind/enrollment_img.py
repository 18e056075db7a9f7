"""POST /enrollment_img/: enrol a person by the largest face of an image."""

from functions.withmind import _requests as requests
from functions.withmind import _responses as responses
from functions.withmind._dialect import withmind
from shared.app import App
from shared.core.recognition import enrollment
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(withmind)
def handler(request: Request, app: App) -> Payload:
    """Make the largest face the person's template, in place of an earlier one."""
    form = requests.form(request)
    person_id = requests.person_id(form, tenant=request.caller.tenant)
    requests.check_details(form)
    enrollment.enrol(
        app.codec,
        app.detector,
        app.recognizers.get(app.model_version).embedder,
        app.persons,
        app.sealer,
        person_id=person_id,
        data=requests.image_file(request, form, app.settings),
        deadline=request.deadline,
    )
    return responses.enrolled()
