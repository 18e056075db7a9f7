"""A file was put into the inbox: de-identify it into the outbox."""

import logging

from shared.app import App
from shared.core import metrics
from shared.core.uploads.hider import UploadHider
from shared.core.uploads.processing import Pipeline, process
from shared.events.s3 import on_uploads

_logger = logging.getLogger(__name__)


@on_uploads
def handler(key: str, app: App, *, is_last: bool) -> None:
    """Process the file under a key, and record the outcome."""
    hider = UploadHider(  # built first: a missing model is not the fault of an upload
        app.codec,
        app.detector,
        app.redactor,
        app.groups,
        app.open_gallery,
        tenant=app.settings.upload_tenant,
        detector_version=app.catalogue.used("detector").version,
        timeout_s=app.settings.analysis_timeout_s,
    )
    pipeline = Pipeline(
        app.inbox,
        app.outbox,
        hider,
        default_options=app.settings.upload_options,
        max_bytes=app.settings.upload_max_bytes,
        removes_originals=app.settings.upload_originals == "remove",
        clock=app.clock,
    )
    outcome = process(key, pipeline, is_last=is_last)
    app.metrics.count(metrics.UPLOADS, result=outcome.value)
    _logger.info("upload", extra={"result": outcome.value})
