"""POST .../compare?threshold: compare two images."""

from functions.nhn import _requests as requests
from functions.nhn import _responses as responses
from functions.nhn._dialect import nhn
from shared.app import App
from shared.core.recognition.compare import compare
from shared.http.endpoint import endpoint
from shared.http.request import Request
from shared.http.response import Payload


@endpoint(nhn)
def handler(request: Request, app: App) -> Payload:
    """Compare the source's largest face with every face of the target."""
    result = compare(
        app.vision,
        app.recognizers.get(app.model_version),
        source=requests.image(request, "sourceImage"),
        target=requests.image(request, "targetImage"),
        threshold=requests.compare_threshold(request),
        deadline=request.deadline,
    )
    return responses.comparison(app.model_version, result)
