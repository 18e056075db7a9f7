"""The two ways of serving: a development server in one process, and gunicorn for real."""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from local_runner import backend, gateway, health, metrics, template
from local_runner.local_key import DEFAULT_KEY
from local_runner.settings import RunnerSettings
from local_runner.supervisor import Supervisor
from local_runner.triggers import factory
from shared.app import App
from shared.config import Settings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REQUEST_TIMEOUT_S = 120
_STOP_TIMEOUT_S = 30
_QUOTING = ("Invalid request", "Error handling request")  # how gunicorn's lines begin that quote it

_logger = logging.getLogger(__name__)


def run(settings: Settings, runner: RunnerSettings) -> None:
    """Serve in this process until Ctrl-C or SIGTERM, with a key for development.

    Events are fired by a process beside it, whose work would otherwise hold up the answers.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    class QuietHandler(WSGIRequestHandler):
        """Keeps connections open, and logs no requests: a key may stand in one."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body go out in two pieces

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Leave the log to the functions."""

        def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - so it is called
            """Tell of what cannot be read no more than that."""
            _logger.info("no request of HTTP")

    local_key = DEFAULT_KEY if runner.local_key is None else runner.local_key
    settings = metrics.share(settings, runner)
    app = backend.build(settings, local_key)
    health.warm_up(app)
    functions = template.read()
    wsgi = gateway.create(app, functions)
    server = make_server(
        runner.host, runner.port, wsgi, threaded=True, request_handler=QuietHandler
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _announce(runner, server.server_port, local_key)
    with contextlib.ExitStack() as stack:
        if runner.triggers:
            _announce_inbox(app, functions)
            stack.callback(Supervisor().stop)
        server.serve_forever()


def serve(settings: Settings, runner: RunnerSettings) -> int:
    """Serve with gunicorn: processes and threads by setting, no key but those of the store.

    One more process fires events.

    Returns:
        The exit status, once it has stopped: not 0 where the workers could not start.

    """
    from gunicorn.app.base import BaseApplication
    from gunicorn.errors import AppImportError, HaltServer

    if not settings.vision_threads:  # the workers share the cores
        cores = len(os.sched_getaffinity(0))
        settings = replace(settings, vision_threads=max(1, cores // runner.workers))
    settings = metrics.share(settings, runner)

    def load() -> Callable[..., Any]:
        # only here, in the worker: the threads of onnxruntime do not survive a fork
        from shared.vision.session import ProviderUnavailableError
        from shared.vision.weights import WeightsError

        app = backend.build(settings, runner.local_key or "")
        try:
            health.warm_up(app)
        except (ProviderUnavailableError, WeightsError) as error:
            raise AppImportError(f"error: {error}") from error
        return gateway.create(app, template.read())

    class Server(BaseApplication):
        """Gunicorn, told by our settings alone."""

        def load_config(self) -> None:
            for name, value in {
                "bind": _address(runner.host, runner.port),
                "workers": runner.workers,
                "threads": runner.threads,
                "worker_class": "gthread",
                "timeout": _REQUEST_TIMEOUT_S,
                "graceful_timeout": _STOP_TIMEOUT_S,
                "accesslog": None,
                "control_socket_disable": True,  # nothing is written outside of DATA_DIR
                "loglevel": _gunicorns_level(settings.log_level),
                **(_supervisor_hooks() if runner.triggers else {}),
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Callable[..., Any]:
            return load()

    logging.getLogger("gunicorn.error").addFilter(_quote_nothing)
    try:
        Server().run()
    except HaltServer as halt:
        status: int = halt.exit_status
        return status
    return 0


def _gunicorns_level(level: str) -> str:
    return "info" if level == "DEBUG" else level.lower()  # at debug it logs every path


def _quote_nothing(record: logging.LogRecord) -> bool:
    """Take out of a line of gunicorn's what it quotes of a request: a key may stand in one."""
    for beginning in _QUOTING:
        if str(record.msg).startswith(beginning):
            record.msg, record.args = beginning, ()
    return True


def _supervisor_hooks() -> dict[str, Callable[[object], None]]:
    """Return what gunicorn's first process does when it listens, and when it ends."""
    beside = contextlib.ExitStack()

    def when_ready(_arbiter: object) -> None:
        beside.callback(Supervisor().stop)

    def on_exit(_arbiter: object) -> None:
        beside.close()

    return {"when_ready": when_ready, "on_exit": on_exit}


def _announce(runner: RunnerSettings, port: int, local_key: str) -> None:
    print(f"Serving on http://{_address(runner.host, port)} (Ctrl-C stops it)", flush=True)
    if local_key and runner.host not in _LOOPBACK:
        print(
            "Warning: anyone who reaches this address and knows LOCAL_KEY may call."
            " For real use see the command `serve`.",
            file=sys.stderr,
        )


def _announce_inbox(app: App, functions: Sequence[template.Function]) -> None:
    """Tell where files may be dropped, if a function takes them; the folders are there then."""
    folders = factory.folders(app, functions)
    if folders:
        print(f"Photos put into {folders[0]} come out in {folders[1]}", flush=True)


def _address(host: str, port: int) -> str:
    is_ipv6 = ":" in host
    return f"[{host}]:{port}" if is_ipv6 else f"{host}:{port}"
