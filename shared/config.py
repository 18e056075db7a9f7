"""Settings: every environment variable that this product reads, each declared once.

Those that only libraries read are set in `shared/__init__.py`, before any of them is imported.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from shared.core.errors import InvalidParameterError
from shared.core.hiding import hide_options
from shared.core.hiding.hide_options import HideOptions
from shared.core.metering.network import Network, parse_network

ROOT = Path(__file__).resolve().parent.parent

Backend = Literal["local", "aws"]
Provider = Literal["auto", "cpu", "cuda"]
Originals = Literal["remove", "keep"]
MetricsFormat = Literal["none", "prometheus", "emf"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

_MAX_DAYS = 36_500  # a century; 0 says for ever

T = TypeVar("T")


class SettingError(Exception):
    """A setting is missing or cannot be read; the message names it."""


def setting(
    default: object,
    *,
    help: str,  # noqa: A002 - argparse's and click's name for it
    low: float | None = None,
    high: float | None = None,
    aws: bool = False,
) -> Any:
    """Declare a setting: the environment variable of its field's name, in capitals.

    Args:
        default: where the variable is not set, or empty.
        help: what it is for, in words that follow its name in a table.
        low: the least value of a number.
        high: its greatest value.
        aws: whether `BACKEND=aws` has no default for it: a function that uses it needs it set.
    """
    return field(default=default, metadata={"help": help, "low": low, "high": high, "aws": aws})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may choose."""

    backend: Backend = setting(
        "local", help="where state lives: `local` (SQLite and files in `DATA_DIR`) or `aws`"
    )
    data_dir: Path = setting(Path(".data"), help="the folder of the local backend")
    models_dir: Path = setting(Path(".models"), help="the folder of the models (`make models`)")
    execution_provider: Provider = setting(
        "auto", help="`auto` uses a GPU if there is one; `cuda` fails without one"
    )
    vision_threads: int = setting(
        0, low=0, high=256, help="threads of one inference; 0 for one per core"
    )
    max_body_bytes: int = setting(
        10 * 1024 * 1024, low=1024, help="larger request bodies are refused"
    )
    max_answer_bytes: int = setting(
        0,
        low=0,
        help="larger answers are refused, because they would not arrive (Lambda sends 6 MB); "
        "0 for no limit",
    )
    max_pixels: int = setting(
        50_000_000, low=1, help="images with more pixels are refused before they are decoded"
    )
    fetch_timeout_s: float = setting(10.0, low=0, help="seconds to fetch an image from its URL")
    allowed_private_hosts: frozenset[str] = setting(
        frozenset(),
        help="hosts, separated by commas, from which images may be fetched although their "
        "addresses are private; for development",
    )
    index_bytes: int = setting(
        1024**3, low=0, help="memory that the vectors of groups may take in one process"
    )
    utc_offset_h: int = setting(
        9, low=-12, high=14, help="the time zone of times that name none, in hours from UTC"
    )
    analysis_timeout_s: float = setting(60.0, low=0, help="seconds that an analysis may take")
    key_secret: str = setting(
        "",
        aws=True,
        help="keys the hashes of API keys; the local backend makes and keeps its own",
    )
    keys_table: str = setting("", aws=True, help="DynamoDB table of the API keys")
    key_log_table: str = setting(
        "",
        aws=True,
        help="DynamoDB table of what operators did to keys; only the command line needs it",
    )
    usage_table: str = setting("", aws=True, help="DynamoDB table of the calls of keys")
    trusted_proxies: tuple[Network, ...] = setting(
        (),
        help="networks, separated by commas, of the proxies whose `X-Forwarded-For` is trusted",
    )
    max_keys_per_ip: int = setting(
        0,
        low=0,
        high=1000,
        help="how many distinct keys may be used from one address; 0 for any number",
    )
    keys_per_ip_window_s: int = setting(
        86_400, low=1, help="how long a key that was used from an address counts there"
    )
    groups_table: str = setting("", aws=True, help="DynamoDB table of the groups")
    faces_table: str = setting("", aws=True, help="DynamoDB table of the faces")
    persons_table: str = setting("", aws=True, help="DynamoDB table of the enrolled people")
    kms_key_id: str = setting("", aws=True, help="KMS key that wraps the data keys")
    inbox_bucket: str = setting(
        "inbox",
        aws=True,
        help="bucket of the files to de-identify; with the local backend a folder in `DATA_DIR`",
    )
    outbox_bucket: str = setting(
        "outbox",
        aws=True,
        help="bucket or folder of the de-identified files, and of those that failed",
    )
    snapshots_bucket: str = setting(
        "snapshots", aws=True, help="bucket or folder of the sealed snapshots of large groups"
    )
    upload_options: HideOptions = setting(
        HideOptions(),
        help="options of uploads that name none: JSON, like FaceDeID's `argument.options`",
    )
    upload_tenant: str = setting(
        "", help="whose groups `keep` and `only` of uploads mean; empty for nobody's"
    )
    upload_originals: Originals = setting(
        "remove", help="what happens to originals in the inbox once they are processed"
    )
    upload_max_bytes: int = setting(
        50 * 1024 * 1024, low=1024, help="larger uploads are not processed"
    )
    originals_days: int = setting(
        30,
        low=0,
        high=_MAX_DAYS,
        help="days after which originals and files in quarantine are deleted; 0 for never",
    )
    outbox_days: int = setting(
        0,
        low=0,
        high=_MAX_DAYS,
        help="days after which de-identified files and receipts are deleted; 0 for never",
    )
    index_min_faces: int = setting(
        20_000, low=100, help="the size from which a group gets a snapshot"
    )
    graph_min_faces: int = setting(
        1_000_000,
        low=100,
        help="the size from which searches are approximate; the default is above any group's",
    )
    withmind_require_key: bool = setting(
        default=False, help="whether WithMind's API asks for an API key"
    )
    withmind_threshold: int = setting(
        90, low=1, high=100, help="the similarity from which a face matches"
    )
    withmind_min_image_bytes: int = setting(
        300 * 1024, low=0, help="WithMind's API refuses smaller images"
    )
    withmind_max_image_bytes: int = setting(500 * 1024, low=0, help="it refuses larger images")
    withmind_max_request_bytes: int = setting(1000 * 1024, low=0, help="it refuses larger requests")
    withmind_other_spellings: bool = setting(
        default=False,
        help="whether two results are spelled as the guide spells them elsewhere: `img size err`, "
        "and `unregistered user` with a space at the end",
    )
    metrics: MetricsFormat = setting(
        "none",
        help="where counts go: `prometheus` for `/metrics` of the local runner, `emf` for "
        "CloudWatch, which reads them from the log",
    )
    prometheus_multiproc_dir: Path | None = setting(
        None,
        help="the folder in which the processes of a server share counts; the local runner sets it",
    )
    log_level: LogLevel = setting("INFO", help="of the JSON lines on standard error")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Raises:
            SettingError: a value cannot be read, or two of them contradict each other.

        """
        settings = read(cls, environ)
        if settings.inbox_bucket and settings.inbox_bucket == settings.outbox_bucket:
            raise SettingError("OUTBOX_BUCKET must differ from INBOX_BUCKET")  # or it replaces them
        if settings.upload_options.people and not settings.upload_tenant:
            raise SettingError("UPLOAD_TENANT must be set where UPLOAD_OPTIONS names people")
        return settings

    def required(self, name: str) -> str:
        """Return a setting that `BACKEND=aws` has no default for.

        Raises:
            SettingError: it is not set.
        """
        value: str = getattr(self, name)
        if not value:
            raise SettingError(f"{name.upper()} must be set with BACKEND=aws")
        return value


def read(kind: type[T], environ: Mapping[str, str] | None = None) -> T:
    """Return the settings of a class, each field from its environment variable.

    Raises:
        SettingError: a value cannot be read.
    """
    environ = os.environ if environ is None else environ
    types = get_type_hints(kind)
    on_aws = environ.get("BACKEND") == "aws"
    values = {}
    for declared in fields(kind):  # type: ignore[arg-type]
        name, type_ = declared.name.upper(), types[declared.name]
        default = "" if on_aws and declared.metadata["aws"] else declared.default
        text = environ.get(name)
        is_set = bool(text) or (text == "" and type_ == str | None)  # which may be set to nothing
        value = _parse(name, text or "", type_) if is_set else default
        if isinstance(value, Path):
            value = value.expanduser().absolute()
        _check_bounds(name, value, declared.metadata["low"], declared.metadata["high"])
        values[declared.name] = value
    return kind(**values)


def as_text(value: object) -> str:
    """Return the default of a setting as its variable would hold it; "" for one that is empty."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value in (None, "", (), frozenset(), HideOptions()) else str(value)


def export(name: str, value: str) -> None:
    """Set an environment variable for a library that reads it, and for processes started later."""
    os.environ[name] = value


def _parse(name: str, text: str, type_: Any) -> Any:
    if get_origin(type_) is Literal:
        if text not in get_args(type_):
            raise SettingError(f"{name} must be one of {', '.join(get_args(type_))}, not {text!r}")
        return text
    meaning, parse = _PARSERS[type_]
    try:
        return parse(text)
    except ValueError:
        raise SettingError(f"{name} must be {meaning}, not {text!r}") from None
    except InvalidParameterError as error:
        raise SettingError(f"{name}: {error}") from None


def _check_bounds(name: str, value: object, low: float | None, high: float | None) -> None:
    """Check that a number is within its bounds; a time in seconds must also be finite.

    Raises:
        SettingError: it is not.
    """
    if isinstance(value, float) and not 0 < value < float("inf"):
        raise SettingError(f"{name} must be more than 0, not {value}")
    if isinstance(value, int) and low is not None and value < low:
        raise SettingError(f"{name} must be at least {low}, not {value}")
    if isinstance(value, int) and high is not None and value > high:
        raise SettingError(f"{name} must be at most {high}, not {value}")


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(parse_network(name) for name in sorted(_names(text)))


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(text)
    return text == "on"


_PARSERS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    str: ("text", str),
    str | None: ("text", str),
    int: ("a whole number", int),
    float: ("a number", float),
    bool: ("on or off", _switch),
    Path: ("a path", Path),
    Path | None: ("a path", Path),
    frozenset[str]: ("names, separated by commas", _names),
    tuple[Network, ...]: ("networks such as 10.0.0.0/8, separated by commas", _networks),
    HideOptions: ("a JSON object", hide_options.read),
}
