"""Settings: every environment variable that this product reads, in one place.

Those that only libraries read are set in `shared/__init__.py`, before any of them is imported.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from shared.core.errors import InvalidParameterError
from shared.core.hiding import hide_options
from shared.core.hiding.hide_options import HideOptions
from shared.core.metering.network import Network, parse_network

ROOT = Path(__file__).resolve().parent.parent

Backend = Literal["local", "aws"]
Provider = Literal["auto", "cpu", "cuda"]
Originals = Literal["remove", "keep"]
MetricsFormat = Literal["none", "prometheus", "emf"]

_MAX_DAYS = 36_500  # a century; 0 says for ever


class SettingError(Exception):
    """A setting is missing or cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may choose: each field is the environment variable of its name in capitals.

    Attributes:
        backend: where state lives: `local` (SQLite and files under `data_dir`) or `aws`.
        data_dir: the folder of the local backend.
        models_dir: the folder of the prepared models (`make models`).
        execution_provider: `auto` takes the GPU where there is one; `cuda` fails without one.
        vision_threads: threads of one inference, 0 for one a core.
        max_body_bytes: larger request bodies are refused.
        max_answer_bytes: larger answers are refused, where they would not arrive: Lambda sends 6 MB
            at most; 0 for no limit.
        max_pixels: images with more pixels are refused before they are decoded.
        fetch_timeout_s: an image that takes longer to arrive from its URL is given up.
        allowed_private_hosts: hosts, separated by commas, from which images may be fetched although
            their addresses are not public; for development.
        index_bytes: how much memory the vectors of groups may take in one process.
        utc_offset_h: the zone, as hours from UTC, of times that are told without one.
        analysis_timeout_s: an analysis that takes longer is given up.
        key_secret: keys the hashes of API keys; the local backend makes and keeps one of its own.
        keys_table: DynamoDB table of the API keys, with `backend` aws.
        key_log_table: DynamoDB table of what operators did to keys, with `backend` aws; the
            command line alone needs it.
        usage_table: DynamoDB table of the calls of keys, with `backend` aws.
        trusted_proxies: networks, separated by commas, of the proxies in front whose
            X-Forwarded-For is taken for true.
        max_keys_per_ip: how many distinct keys may be used from one address; 0 for any number.
        keys_per_ip_window_s: how long a key that was used from an address counts there.
        groups_table: DynamoDB table of the groups, with `backend` aws.
        faces_table: DynamoDB table of the faces, with `backend` aws.
        persons_table: DynamoDB table of the enrolled people, with `backend` aws.
        kms_key_id: KMS key that wraps the data keys, with `backend` aws.
        inbox_bucket: bucket of the files to be de-identified; a folder of this name under
            `data_dir` with `backend` local, as with the next two.
        outbox_bucket: bucket of the files that were, and of those that could not be.
        snapshots_bucket: bucket of the sealed snapshots of large groups.
        upload_options: JSON object of the options of uploads that name none themselves, as in
            FaceDeID's `argument.options`.
        upload_tenant: whose groups `keep` and `only` of uploads mean; empty for nobody's.
        upload_originals: whether an original is removed from the inbox once it was processed.
        upload_max_bytes: larger uploads are not processed.
        originals_days: days after which originals in the inbox, and those that could not be
            processed, are deleted; 0 for never.
        outbox_days: days after which de-identified files and their receipts are deleted; 0 for
            never.
        index_min_faces: the size from which a group gets a snapshot.
        graph_min_faces: the size from which it gets a graph too, and its searches are approximate;
            the default is more than a group can hold.
        withmind_require_key: whether WithMind's API asks for an API key.
        withmind_threshold: the similarity, 1..100, from which a face is the person's.
        withmind_min_image_bytes: WithMind's API refuses smaller images.
        withmind_max_image_bytes: it refuses larger images.
        withmind_max_request_bytes: it refuses larger requests.
        withmind_other_spellings: whether two of its results are spelled as the guide spells them
            elsewhere: `img size err`, and `unregistered user` with a space at the end.
        metrics: where counts go: `prometheus` for `/metrics` of the local runner, `emf` for
            CloudWatch, which finds them in the log.
        prometheus_multiproc_dir: the folder through which the processes of a server share the
            counts for `/metrics`; the local runner sets it for those that it starts.
        log_level: of the JSON lines on standard error.

    """

    backend: Backend
    data_dir: Path
    models_dir: Path
    execution_provider: Provider
    vision_threads: int
    max_body_bytes: int
    max_answer_bytes: int
    max_pixels: int
    fetch_timeout_s: float
    allowed_private_hosts: frozenset[str]
    index_bytes: int
    utc_offset_h: int
    analysis_timeout_s: float
    key_secret: str
    keys_table: str
    key_log_table: str
    usage_table: str
    trusted_proxies: tuple[Network, ...]
    max_keys_per_ip: int
    keys_per_ip_window_s: int
    groups_table: str
    faces_table: str
    persons_table: str
    kms_key_id: str
    inbox_bucket: str
    outbox_bucket: str
    snapshots_bucket: str
    upload_options: HideOptions
    upload_tenant: str
    upload_originals: Originals
    upload_max_bytes: int
    originals_days: int
    outbox_days: int
    index_min_faces: int
    graph_min_faces: int
    withmind_require_key: bool
    withmind_threshold: int
    withmind_min_image_bytes: int
    withmind_max_image_bytes: int
    withmind_max_request_bytes: int
    withmind_other_spellings: bool
    metrics: MetricsFormat
    prometheus_multiproc_dir: Path | None
    log_level: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Raises:
            SettingError: a value cannot be read, or one that the backend needs is missing.

        """
        read = _Reader(os.environ if environ is None else environ)
        settings = cls(
            backend=read.choice("BACKEND", "local", get_args(Backend)),  # type: ignore[arg-type]
            data_dir=read.path("DATA_DIR", ".data"),
            models_dir=read.path("MODELS_DIR", ".models"),
            execution_provider=read.choice(  # type: ignore[arg-type]
                "EXECUTION_PROVIDER", "auto", get_args(Provider)
            ),
            vision_threads=read.integer("VISION_THREADS", 0, low=0, high=256),
            max_body_bytes=read.integer("MAX_BODY_BYTES", 10 * 1024 * 1024, low=1024),
            max_answer_bytes=read.integer("MAX_ANSWER_BYTES", 0, low=0),
            max_pixels=read.integer("MAX_PIXELS", 50_000_000, low=1),
            fetch_timeout_s=read.number("FETCH_TIMEOUT_S", 10.0),
            allowed_private_hosts=read.names("ALLOWED_PRIVATE_HOSTS"),
            index_bytes=read.integer("INDEX_BYTES", 1024**3, low=0),
            utc_offset_h=read.integer("UTC_OFFSET_H", 9, low=-12, high=14),
            analysis_timeout_s=read.number("ANALYSIS_TIMEOUT_S", 60.0),
            key_secret=read.text("KEY_SECRET"),
            keys_table=read.text("KEYS_TABLE"),
            key_log_table=read.text("KEY_LOG_TABLE"),
            usage_table=read.text("USAGE_TABLE"),
            trusted_proxies=read.networks("TRUSTED_PROXIES"),
            max_keys_per_ip=read.integer("MAX_KEYS_PER_IP", 0, low=0, high=1000),
            keys_per_ip_window_s=read.integer("KEYS_PER_IP_WINDOW_S", 86_400, low=1),
            groups_table=read.text("GROUPS_TABLE"),
            faces_table=read.text("FACES_TABLE"),
            persons_table=read.text("PERSONS_TABLE"),
            kms_key_id=read.text("KMS_KEY_ID"),
            inbox_bucket=read.text("INBOX_BUCKET", "inbox"),
            outbox_bucket=read.text("OUTBOX_BUCKET", "outbox"),
            snapshots_bucket=read.text("SNAPSHOTS_BUCKET", "snapshots"),
            upload_options=read.hide_options("UPLOAD_OPTIONS"),
            upload_tenant=read.text("UPLOAD_TENANT"),
            upload_originals=read.choice(  # type: ignore[arg-type]
                "UPLOAD_ORIGINALS", "remove", get_args(Originals)
            ),
            upload_max_bytes=read.integer("UPLOAD_MAX_BYTES", 50 * 1024 * 1024, low=1024),
            originals_days=read.integer("ORIGINALS_DAYS", 30, low=0, high=_MAX_DAYS),
            outbox_days=read.integer("OUTBOX_DAYS", 0, low=0, high=_MAX_DAYS),
            index_min_faces=read.integer("INDEX_MIN_FACES", 20_000, low=100),
            graph_min_faces=read.integer("GRAPH_MIN_FACES", 1_000_000, low=100),
            withmind_require_key=read.switch("WITHMIND_REQUIRE_KEY", "off"),
            withmind_threshold=read.integer("WITHMIND_THRESHOLD", 90, low=1, high=100),
            withmind_min_image_bytes=read.integer("WITHMIND_MIN_IMAGE_BYTES", 300 * 1024, low=0),
            withmind_max_image_bytes=read.integer("WITHMIND_MAX_IMAGE_BYTES", 500 * 1024, low=0),
            withmind_max_request_bytes=read.integer(
                "WITHMIND_MAX_REQUEST_BYTES", 1000 * 1024, low=0
            ),
            withmind_other_spellings=read.switch("WITHMIND_OTHER_SPELLINGS", "off"),
            metrics=read.choice(  # type: ignore[arg-type]
                "METRICS", "none", get_args(MetricsFormat)
            ),
            prometheus_multiproc_dir=read.optional_path("PROMETHEUS_MULTIPROC_DIR"),
            log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        )
        if settings.inbox_bucket == settings.outbox_bucket:  # outcomes would replace originals
            raise SettingError("OUTBOX_BUCKET must be another one than INBOX_BUCKET")
        if settings.upload_options.people and not settings.upload_tenant:
            raise SettingError("UPLOAD_TENANT must be set where UPLOAD_OPTIONS names people")
        if settings.backend == "aws":
            read.require(
                "KEY_SECRET",
                "KEYS_TABLE",
                "USAGE_TABLE",
                "GROUPS_TABLE",
                "FACES_TABLE",
                "PERSONS_TABLE",
                "KMS_KEY_ID",
                "INBOX_BUCKET",
                "OUTBOX_BUCKET",
                "SNAPSHOTS_BUCKET",
            )
        return settings


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """What the local runner may choose, besides `Settings`.

    Attributes:
        host: the address to listen on.
        port: the port to listen on.
        local_key: an API key that only the local runner takes; empty for none.
        workers: processes of `serve`.
        threads: threads in each process of `serve`.
        metrics: as in `Settings`, but `prometheus` where nothing else is set: servers count.
        triggers: whether `run` and `serve` also fire events, in a process beside them.
        upload_queue_url: the queue that tells of uploads, with `backend` aws; empty for none.

    """

    host: str
    port: int
    local_key: str | None
    workers: int
    threads: int
    metrics: MetricsFormat
    triggers: bool
    upload_queue_url: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "RunnerSettings":
        """Read the settings.

        Raises:
            SettingError: a value cannot be read.

        """
        read = _Reader(os.environ if environ is None else environ)
        return cls(
            host=read.text("HOST", "127.0.0.1"),
            port=read.integer("PORT", 3000, low=0, high=65535),
            local_key=read.optional("LOCAL_KEY"),
            workers=read.integer("WORKERS", 2, low=1, high=256),
            threads=read.integer("THREADS", 4, low=1, high=256),
            metrics=read.choice(  # type: ignore[arg-type]
                "METRICS", "prometheus", get_args(MetricsFormat)
            ),
            triggers=read.switch("TRIGGERS", "on"),
            upload_queue_url=read.text("UPLOAD_QUEUE_URL"),
        )


def export(name: str, value: str) -> None:
    """Set an environment variable for a library that reads it, and for processes started later."""
    os.environ[name] = value


class _Reader:
    """Reads typed values out of an environment; an empty value counts as none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def optional(self, name: str) -> str | None:
        return self._environ.get(name)

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name) or default

    def path(self, name: str, default: str) -> Path:
        """Return an absolute path; a relative one is taken from the project's folder."""
        return ROOT / Path(self.text(name, default)).expanduser()

    def optional_path(self, name: str) -> Path | None:
        return self.path(name, "") if self.text(name) else None

    def names(self, name: str) -> frozenset[str]:
        return frozenset(part.strip() for part in self.text(name).split(",") if part.strip())

    def networks(self, name: str) -> tuple[Network, ...]:
        try:
            return tuple(parse_network(text) for text in sorted(self.names(name)))
        except ValueError as error:
            raise SettingError(f"{name} must be networks, as 10.0.0.0/8: {error}") from None

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise SettingError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def switch(self, name: str, default: str) -> bool:
        return self.choice(name, default, ("on", "off")) == "on"

    def integer(self, name: str, default: int, *, low: int, high: int | None = None) -> int:
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            raise SettingError(f"{name} must be a whole number, not {text!r}") from None
        if value < low or (high is not None and value > high):
            span = f"at least {low}" if high is None else f"from {low} to {high}"
            raise SettingError(f"{name} must be {span}, not {value}")
        return value

    def number(self, name: str, default: float) -> float:
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            raise SettingError(f"{name} must be a number, not {text!r}") from None
        if not 0 < value < float("inf"):
            raise SettingError(f"{name} must be more than 0, not {text}")
        return value

    def hide_options(self, name: str) -> HideOptions:
        try:
            return hide_options.read(self.text(name, "{}"))
        except InvalidParameterError as error:
            raise SettingError(f"{name}: {error}") from None

    def require(self, *names: str) -> None:
        missing = [name for name in names if not self._environ.get(name)]
        if missing:
            raise SettingError(f"{', '.join(missing)} must be set with BACKEND=aws")
