"""POST .../compare?threshold: compare two images."""

from functions.nhn import _requests, _responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition.compare import compare
from shared.http import Payload, Request, endpoint


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Compare the source's largest face with every face of the target."""
    result = compare(
        app.vision,
        app.recognizers.get(app.model_version),
        source=_requests.image(request, "sourceImage"),
        target=_requests.image(request, "targetImage"),
        threshold=_requests.compare_threshold(request),
        deadline=request.deadline,
    )
    return _responses.comparison(app.model_version, result)
