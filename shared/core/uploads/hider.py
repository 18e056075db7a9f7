"""De-identifies uploads, and says what the outcome depends on."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.core.deadline import Deadline
from shared.core.errors import InvalidParameterError
from shared.core.hiding.deidentify import Deidentified, deidentify
from shared.core.hiding.gallery import Gallery
from shared.core.hiding.hide_options import HideOptions
from shared.core.hiding.ports import FaceRedactor
from shared.core.photos.ports import Detector, ImageCodec
from shared.core.recognition.ports import Groups
from shared.core.uploads.receipts import Json


@dataclass(frozen=True, slots=True)
class UploadHider:
    """Implements `processing.Hider` for the uploads of one tenant.

    Attributes:
        codec: reads and writes the files.
        detector: finds the faces.
        redactor: hides them.
        groups: where the people are that the options name.
        open_gallery: opens a group of a tenant by name to look for people in it.
        tenant: whose groups the options may name; "" for none.
        detector_version: the version of the detector's model.
        timeout_s: how long one file may take, in seconds.
    """

    codec: ImageCodec
    detector: Detector
    redactor: FaceRedactor
    groups: Groups
    open_gallery: Callable[[str, str], Gallery]
    tenant: str
    detector_version: str
    timeout_s: float

    def basis(self, options: HideOptions) -> Json:
        """Return the versions of the models in use, and of the group if the options name people.

        Raises:
            GroupNotFoundError: the tenant has no such group.
            InvalidParameterError: the options name people, but no tenant is set.
        """
        models = {"detector": self.detector_version}
        people = options.people
        if people is None:
            return {"models": models}
        if not self.tenant:
            raise InvalidParameterError(people.mode, "needs UPLOAD_TENANT, which is not set")
        group = self.groups.get(self.tenant, people.group_id)
        return {
            "models": {**models, "embedder": group.model_version},
            "group": {"generation": group.generation, "lastChange": group.last_change},
        }

    def hide(self, data: bytes, options: HideOptions) -> Deidentified:
        """Return the file de-identified; if it shows no face, only its metadata is removed."""
        return deidentify(
            self.codec,
            self.detector,
            self.redactor,
            lambda group_id: self.open_gallery(self.tenant, group_id),
            data=data,
            options=options,
            deadline=Deadline.after(self.timeout_s),
            needs_face=False,
        )
