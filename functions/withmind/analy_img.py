"""POST /analy_img/: say of each face of an image whether it is an enrolled person's."""

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
    """Compare every face, from left to right, with the person's template."""
    form = requests.form(request)
    matches = enrollment.analyse(
        app.codec,
        app.detector,
        app.recognizers,
        app.persons,
        app.sealer,
        person_id=requests.person_id(form, tenant=request.caller.tenant),
        data=requests.image_file(request, form, app.settings),
        threshold=app.settings.withmind_threshold,
        deadline=request.deadline,
    )
    return responses.analysis(matches)
