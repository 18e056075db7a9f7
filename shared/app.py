"""The composition root: every adapter is chosen and built here, once, when it is first needed.

Heavy libraries are imported inside the property that needs them, so that a function which only
reads a table never loads a model.
"""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from shared import log
from shared.config import Settings

if TYPE_CHECKING:
    from shared.core.blobs import Blobs
    from shared.core.hiding.gallery import Gallery
    from shared.core.hiding.ports import FaceRedactor
    from shared.core.metering.ports import DistinctTracker, Keys, Usage
    from shared.core.metrics import Metrics
    from shared.core.photos.ports import Detector, ImageCodec, ImageSource, PoseEstimator, Vision
    from shared.core.recognition.ports import (
        FaceIndex,
        Faces,
        Groups,
        IndexBuilder,
        Persons,
        RecognizerRegistry,
        Sealer,
    )
    from shared.index.snapshot import SnapshotStore
    from shared.storage.backend import Backend
    from shared.vision.face_mesh import FaceMesh
    from shared.vision.session import Session
    from shared.vision.weights import Catalogue

T = TypeVar("T")


class built_once(Generic[T]):  # noqa: N801 - used as a decorator, like functools.cached_property
    """A cached property that two threads at once build only once, and that can be set instead."""

    def __init__(self, build: Callable[["App"], T]) -> None:
        self._build = build
        self._name = build.__name__
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, app: None, owner: type) -> "built_once[T]": ...
    @overload
    def __get__(self, app: "App", owner: type) -> T: ...
    def __get__(self, app: "App | None", owner: type) -> "T | built_once[T]":
        if app is None:
            return self
        with app.lock:
            if self._name not in app.__dict__:
                app.__dict__[self._name] = self._build(app)
            built: T = app.__dict__[self._name]
            return built

    def __set__(self, app: "App", port: T) -> None:
        app.__dict__[self._name] = port


class App:
    """The ports of one process, built lazily. It never keeps anything of a request.

    A port that is set before it is used is not built: `app.keys = InMemoryKeys()`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()

    @built_once
    def metrics(self) -> "Metrics":
        """What counts what happens."""
        if self.settings.metrics == "prometheus":
            from shared.metrics.prometheus import PrometheusMetrics

            return PrometheusMetrics(self.settings.prometheus_multiproc_dir)
        if self.settings.metrics == "emf":
            from shared.metrics.emf import EmfMetrics

            return EmfMetrics()
        from shared.metrics.noop import NoopMetrics

        return NoopMetrics()

    @built_once
    def codec(self) -> "ImageCodec":
        """Image files."""
        from shared.vision.image import CvImageCodec

        return CvImageCodec(max_pixels=self.settings.max_pixels)

    @built_once
    def detector(self) -> "Detector":
        """The face detector."""
        from shared.vision.detector import YuNetDetector
        from shared.vision.instrumented import InstrumentedDetector
        from shared.vision.refinement import DetectionRefiner
        from shared.vision.yunet import YuNet

        network = YuNet(self.detector_session)
        detector = YuNetDetector(network, DetectionRefiner(network, self.face_mesh))
        return InstrumentedDetector(detector, self.metrics)

    @built_once
    def detector_session(self) -> "Session":
        """The loaded detector model; it knows which execution provider is in use."""
        return self.open_session(self.catalogue.use["detector"])

    @built_once
    def face_mesh(self) -> "FaceMesh":
        """What looks at a face from near."""
        from shared.vision.face_mesh import FaceMesh

        return FaceMesh(self.open_session(self.catalogue.use["face_mesh"]))

    @built_once
    def poses(self) -> "PoseEstimator":
        """What estimates where heads point."""
        from shared.vision.pose import MeshPoseEstimator

        return MeshPoseEstimator(self.face_mesh)

    @built_once
    def vision(self) -> "Vision":
        """What reads images and describes the faces in them."""
        from shared.core.photos.ports import Vision

        return Vision(self.codec, self.image_source, self.detector, self.poses)

    @built_once
    def catalogue(self) -> "Catalogue":
        """Which models there are."""
        from shared.vision import weights

        return weights.published()

    @property
    def model_version(self) -> str:
        """The version of the embedder that new groups and people get."""
        return self.catalogue.used("embedder").version

    @built_once
    def recognizers(self) -> "RecognizerRegistry":
        """The embedders and their calibrations, by model version."""
        from shared.vision.recognizers import OnnxRecognizerRegistry

        return OnnxRecognizerRegistry(self.catalogue, self.open_session, self.metrics)

    @built_once
    def index(self) -> "FaceIndex":
        """The search over the vectors of groups."""
        from shared.index.groups import GroupIndex

        return GroupIndex(
            self.faces,
            self.sealer,
            self.snapshot_store,
            max_bytes=self.settings.index_bytes,
            min_faces=self.settings.index_min_faces,
            graph_min_faces=self.settings.graph_min_faces,
            metrics=self.metrics,
        )

    @built_once
    def index_builder(self) -> "IndexBuilder":
        """What makes the snapshots of large groups."""
        from shared.index.builder import SnapshotBuilder

        return SnapshotBuilder(
            self.faces,
            self.sealer,
            self.snapshot_store,
            graph_min_faces=self.settings.graph_min_faces,
            clock=self.clock,
        )

    @built_once
    def snapshot_store(self) -> "SnapshotStore":
        """The snapshots of large groups, unsealed."""
        from shared.index.snapshot import SnapshotStore

        return SnapshotStore(self.snapshots, self.sealer)

    @built_once
    def image_source(self) -> "ImageSource":
        """What fetches images by URL."""
        from shared.core.recognition.detection import MAX_FILE_BYTES
        from shared.fetch.fetcher import GuardedFetcher

        return GuardedFetcher(
            max_bytes=MAX_FILE_BYTES,
            timeout_s=self.settings.fetch_timeout_s,
            allowed_private_hosts=self.settings.allowed_private_hosts,
        )

    @built_once
    def redactor(self) -> "FaceRedactor":
        """What hides faces."""
        from shared.vision.instrumented import InstrumentedFaceRedactor
        from shared.vision.redaction import CvFaceRedactor

        return InstrumentedFaceRedactor(CvFaceRedactor(), self.metrics)

    @built_once
    def backend(self) -> "Backend":
        """What builds the adapters that keep state."""
        if self.settings.backend == "aws":
            from shared.storage.aws.backend import AwsBackend

            return AwsBackend(self.settings)
        from shared.storage.local.backend import LocalBackend

        return LocalBackend(self.settings)

    @built_once
    def keys(self) -> "Keys":
        """API keys."""
        return self.backend.keys()

    @built_once
    def usage(self) -> "Usage":
        """The calls of keys."""
        return self.backend.usage()

    @built_once
    def distinct_tracker(self) -> "DistinctTracker":
        """Distinct addresses per key, and keys per address."""
        return self.backend.distinct_tracker()

    @built_once
    def groups(self) -> "Groups":
        """Groups of faces."""
        return self.backend.groups()

    @built_once
    def faces(self) -> "Faces":
        """The faces of groups."""
        return self.backend.faces()

    @built_once
    def persons(self) -> "Persons":
        """Enrolled people."""
        return self.backend.persons()

    @built_once
    def inbox(self) -> "Blobs":
        """Files to de-identify."""
        return self.backend.inbox()

    @built_once
    def outbox(self) -> "Blobs":
        """De-identified files, and those that failed."""
        return self.backend.outbox()

    @built_once
    def snapshots(self) -> "Blobs":
        """Sealed snapshots of large groups."""
        return self.backend.snapshots()

    @built_once
    def key_secret(self) -> "str":
        """The secret that keys the hashes of API keys."""
        return self.backend.key_secret()

    @built_once
    def clock(self) -> Callable[[], float]:
        """What tells the time, in seconds since 1970, UTC."""
        return time.time

    @built_once
    def sealer(self) -> "Sealer":
        """What encrypts vectors."""
        from shared.storage.cipher import AesGcmSealer

        return AesGcmSealer(self.backend.key_wrapper())

    def open_gallery(self, tenant: str, group_id: str) -> "Gallery":
        """Open a group for `keep` and `only`; see `shared.core.hiding.gallery.open_gallery`."""
        from shared.core.hiding import gallery

        return gallery.open_gallery(
            self.groups,
            self.faces,
            self.sealer,
            self.index,
            self.recognizers,
            self.poses,
            tenant=tenant,
            group_id=group_id,
        )

    def warm_up(self) -> None:
        """Build what the calls need, so that the first is as fast as the next."""
        _ = self.codec, self.detector, self.redactor, self.poses, self.image_source
        _ = self.recognizers.get(self.model_version), self.keys, self.groups, self.faces, self.index
        _ = self.persons, self.sealer, self.usage, self.distinct_tracker, self.metrics

    def open_session(self, model: str) -> "Session":
        """Load a model of the catalogue, with the provider and threads of the settings."""
        from shared.vision.session import Session

        return Session(
            self.catalogue.load(model, self.settings.models_dir),
            provider=self.settings.execution_provider,
            threads=self.settings.vision_threads,
        )


@cache
def current_app() -> App:
    """Return the App of this process, made from the environment.

    Raises:
        SettingError: a setting is missing or cannot be read; the message names it.

    """
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    return App(settings)
