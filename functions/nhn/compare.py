"""POST .../compare?threshold: compare two images."""

from functions.nhn import _shapes as shapes
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
        app.codec,
        app.image_source,
        app.detector,
        app.poses,
        app.recognizers.get(app.model_version),
        source=shapes.image(request, "sourceImage"),
        target=shapes.image(request, "targetImage"),
        threshold=shapes.compare_threshold(request),
        deadline=request.deadline,
    )
    return shapes.comparison(app.model_version, result)
