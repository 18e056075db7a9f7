"""POST /analy_img/: compare each face in an image with an enrolled person."""

from functions.withmind import _requests, _responses
from functions.withmind._dialect import withmind
from shared.app import App
from shared.core.recognition import enrollment
from shared.http import Payload, Request, endpoint


@endpoint(withmind)
def handler(request: Request, app: App) -> Payload:
    """Return whether each face, from left to right, matches the person."""
    form = _requests.form(request)
    matches = enrollment.analyse(
        app.codec,
        app.detector,
        app.recognizers,
        app.persons,
        app.sealer,
        person_id=_requests.person_id(form, tenant=request.caller.tenant),
        data=_requests.image_file(request, form, app.settings),
        threshold=app.settings.withmind_threshold,
        deadline=request.deadline,
    )
    return _responses.analysis(matches)
