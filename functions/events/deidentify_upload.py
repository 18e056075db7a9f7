"""A file was put into the inbox: de-identify it into the outbox."""

import logging
from functools import partial
from typing import Any

from shared.app import App
from shared.core import metrics
from shared.core.deadline import Deadline
from shared.core.errors import InvalidParameterError
from shared.core.hiding.deidentify import Deidentified, deidentify_any
from shared.core.hiding.hide_options import HideOptions
from shared.core.uploads import processing
from shared.events.s3 import on_uploads

_logger = logging.getLogger(__name__)


@on_uploads
def handler(key: str, app: App, *, is_last: bool) -> None:
    """Process the file of a key, and log what became of it."""
    _ = app.detector  # what hinders every upload is the fault of none
    outcome = processing.process(
        key,
        inbox=app.inbox,
        outbox=app.outbox,
        hider=_Hider(app),
        terms=processing.Terms(
            options=app.settings.upload_options,
            max_bytes=app.settings.upload_max_bytes,
            removes_originals=app.settings.upload_originals == "remove",
        ),
        clock=app.clock,
        is_last=is_last,
    )
    app.metrics.count(metrics.UPLOADS, result=outcome.value)
    _logger.info("upload", extra={"result": outcome.value})


class _Hider:
    """Implements `processing.Hider` with the models of an App."""

    def __init__(self, app: App) -> None:
        self._app = app

    def means(self, options: HideOptions) -> dict[str, Any]:
        """Return the versions of the models in use, and of the group where people are named.

        Raises:
            GroupNotFoundError: there is no such group.
            InvalidParameterError: nobody's groups are meant here.
        """
        models = {"detector": self._app.catalogue.used("detector").version}
        people = options.people
        if people is None:
            return {"models": models}
        tenant = self._app.settings.upload_tenant
        if not tenant:
            raise InvalidParameterError(people.mode, "cannot be had: UPLOAD_TENANT is not set")
        group = self._app.groups.get(tenant, people.group_id)
        return {
            "models": {**models, "embedder": group.model_version},
            "group": {"generation": group.generation, "lastChange": group.last_change},
        }

    def hide(self, data: bytes, options: HideOptions) -> Deidentified:
        """Return the file de-identified; see `deidentify_any`."""
        return deidentify_any(
            self._app.codec,
            self._app.detector,
            self._app.redactor,
            partial(self._app.open_gallery, self._app.settings.upload_tenant),
            data=data,
            options=options,
            deadline=Deadline.after(self._app.settings.analysis_timeout_s),
        )
