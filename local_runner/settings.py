"""Settings of the local runner, besides `shared.config.Settings`."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared import config
from shared.config import MetricsFormat, setting


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """What the local runner may choose."""

    host: str = setting("127.0.0.1", help="the address to listen on")
    port: int = setting(3000, low=0, high=65535, help="the port to listen on; 0 for any free one")
    local_key: str | None = setting(
        None,
        help="an API key that only the local runner accepts: `run` takes `local-dev-key` where it "
        "is not set, and none where it is empty",
    )
    workers: int = setting(2, low=1, high=256, help="processes of `serve`")
    threads: int = setting(4, low=1, high=256, help="threads in each process of `serve`")
    metrics: MetricsFormat = setting("prometheus", help="where the counts of servers go")
    triggers: bool = setting(
        default=True, help="whether `run` and `serve` also fire events, in a process beside them"
    )
    upload_queue_url: str = setting(
        "", help="the SQS queue that announces uploads, with `BACKEND=aws`; empty for none"
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "RunnerSettings":
        """Read the settings.

        Raises:
            SettingError: a value cannot be read.

        """
        return config.read(cls, environ)
