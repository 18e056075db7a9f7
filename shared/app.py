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
    from shared.core.photos.ports import Detector, ImageCodec, ImageSource, PoseEstimator
    from shared.core.recognition.ports import (
        FaceIndex,
        Faces,
        Groups,
        IndexBuilder,
        Persons,
        Sealer,
    )
    from shared.index.snapshot import SnapshotStore
    from shared.storage.aws.items import ItemClient
    from shared.storage.aws.tables import Tables
    from shared.storage.cipher import KeyWrapper
    from shared.storage.local.database import Database
    from shared.vision.face_mesh import FaceMesh
    from shared.vision.recognizers import RecognizerRegistry
    from shared.vision.session import Session
    from shared.vision.weights import Catalogue

T = TypeVar("T")


class built_once(Generic[T]):  # noqa: N801 - used as a decorator, like functools.cached_property
    """A cached property that two threads at once build only once."""

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


class App:
    """The ports of one process, built lazily. It never keeps anything of a request."""

    def __init__(self, settings: Settings, **ports: object) -> None:
        """Take settings, and ports to use instead of the ones built here (tests, the local runner).

        Raises:
            TypeError: a port of that name does not exist.

        """
        for name in ports:
            if not isinstance(getattr(type(self), name, None), built_once):
                raise TypeError(f"App has no port {name!r}")
        self.settings = settings
        self.lock = threading.RLock()
        self.__dict__.update(ports)

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
        from shared.vision.second_looks import SecondLooks
        from shared.vision.yunet import YuNet

        network = YuNet(self.detector_session)
        detector = YuNetDetector(network, SecondLooks(network, self.face_mesh))
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
        """The embedders, by model version."""
        from shared.vision.recognizers import RecognizerRegistry

        return RecognizerRegistry(self.catalogue, self.open_session, self.metrics)

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
    def keys(self) -> "Keys":
        """API keys."""
        if self.settings.backend == "aws":
            from shared.storage.aws.keys import DynamoKeys

            return DynamoKeys(self.items, self.settings.keys_table, self.settings.key_log_table)
        from shared.storage.local.keys import SqliteKeys

        return SqliteKeys(self.database)

    @built_once
    def usage(self) -> "Usage":
        """The calls of keys."""
        if self.settings.backend == "aws":
            from shared.storage.aws.usage import DynamoUsage

            return DynamoUsage(self.items, self.settings.usage_table)
        from shared.storage.local.usage import SqliteUsage

        return SqliteUsage(self.database)

    @built_once
    def distinct_tracker(self) -> "DistinctTracker":
        """Who was seen with whom."""
        if self.settings.backend == "aws":
            from shared.storage.aws.distinct import DynamoDistinctTracker

            return DynamoDistinctTracker(self.items, self.settings.usage_table)
        from shared.storage.local.distinct import SqliteDistinctTracker

        return SqliteDistinctTracker(self.database)

    @built_once
    def items(self) -> "ItemClient":
        """The connection to the DynamoDB tables of keys."""
        from shared.storage.aws.items import ItemClient

        return ItemClient()

    @built_once
    def clock(self) -> Callable[[], float]:
        """What tells the time, in seconds since 1970, UTC."""
        return time.time

    @built_once
    def groups(self) -> "Groups":
        """Groups of faces."""
        if self.settings.backend == "aws":
            from shared.storage.aws.groups import DynamoGroups

            return DynamoGroups(self.tables)
        from shared.storage.local.groups import SqliteGroups

        return SqliteGroups(self.database)

    @built_once
    def faces(self) -> "Faces":
        """The faces of groups."""
        if self.settings.backend == "aws":
            from shared.storage.aws.faces import DynamoFaces

            return DynamoFaces(self.tables)
        from shared.storage.local.faces import SqliteFaces

        return SqliteFaces(self.database)

    @built_once
    def persons(self) -> "Persons":
        """Enrolled people."""
        if self.settings.backend == "aws":
            from shared.storage.aws.persons import DynamoPersons

            return DynamoPersons(self.settings.persons_table)
        from shared.storage.local.persons import SqlitePersons

        return SqlitePersons(self.database)

    @built_once
    def inbox(self) -> "Blobs":
        """Uploaded files that are to be de-identified."""
        return self._blobs(self.settings.inbox_bucket)

    @built_once
    def outbox(self) -> "Blobs":
        """De-identified files, and those that could not be."""
        return self._blobs(self.settings.outbox_bucket)

    @built_once
    def snapshots(self) -> "Blobs":
        """Sealed snapshots of large groups."""
        return self._blobs(self.settings.snapshots_bucket)

    @built_once
    def sealer(self) -> "Sealer":
        """What encrypts vectors."""
        from shared.storage.cipher import AesGcmSealer

        return AesGcmSealer(self.key_wrapper)

    @built_once
    def key_wrapper(self) -> "KeyWrapper":
        """What wraps the data keys."""
        if self.settings.backend == "aws":
            from shared.storage.aws.kms import KmsKeyWrapper

            return KmsKeyWrapper(self.settings.kms_key_id)
        from shared.storage.local.master_key import FileKeyWrapper

        return FileKeyWrapper(self.settings.data_dir)

    @built_once
    def tables(self) -> "Tables":
        """The DynamoDB tables of groups and faces."""
        from shared.storage.aws.tables import Tables

        return Tables(self.settings.groups_table, self.settings.faces_table)

    @built_once
    def database(self) -> "Database":
        """The embedded database of the local backend."""
        from shared.storage.local.database import Database

        return Database(self.settings.data_dir)

    @built_once
    def key_secret(self) -> str:
        """The secret that keys the hashes of API keys."""
        if self.settings.key_secret:
            return self.settings.key_secret
        from shared.storage.local import secret

        return secret.read_or_create(self.settings.data_dir)

    def _blobs(self, bucket: str) -> "Blobs":
        if self.settings.backend == "aws":
            from shared.storage.aws.blobs import S3Blobs

            return S3Blobs(bucket)
        from shared.storage.local.blobs import FileBlobs

        return FileBlobs(self.settings.data_dir / bucket)

    def galleries_of(self, tenant: str) -> "Callable[[str], Gallery]":
        """Return what opens a tenant's groups by name, as `shared.core.hiding.deidentify` needs it.

        Nothing is loaded or read before it is called. It raises GroupNotFoundError where the tenant
        has no such group; the empty tenant has none.
        """

        def open_gallery(group_id: str) -> "Gallery":
            from shared.core.errors import GroupNotFoundError
            from shared.core.hiding.gallery import Gallery

            if not tenant:
                raise GroupNotFoundError(group_id)
            group = self.groups.get(tenant, group_id)
            return Gallery(
                group=group,
                faces=self.faces,
                sealer=self.sealer,
                index=self.index,
                recognizer=self.recognizers.get(group.model_version),
                poses=self.poses,
            )

        return open_gallery

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
