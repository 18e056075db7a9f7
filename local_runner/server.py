"""The two servers: one process for development, gunicorn for production."""

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
_QUOTING = ("Invalid request", "Error handling request")  # gunicorn's messages that quote it

_logger = logging.getLogger(__name__)


def run(settings: Settings, runner: RunnerSettings) -> None:
    """Serve in this process until Ctrl-C or SIGTERM, with a development key.

    Another process handles events, because their work would delay the answers.
    """
    from werkzeug.serving import WSGIRequestHandler, make_server

    class QuietHandler(WSGIRequestHandler):
        """Keeps connections open, and does not log requests: they may contain a key."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are sent separately

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Do nothing: the functions write the log."""

        def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Log that a request cannot be read, without quoting it."""
            _logger.info("not an HTTP request")

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


def serve(settings: Settings, runner: RunnerSettings) -> None:
    """Serve with gunicorn, until it is stopped; only the keys of the store are valid.

    Another process handles events.

    Raises:
        SystemExit: the worker processes could not start; the log has the cause.

    """
    from gunicorn.app.base import BaseApplication
    from gunicorn.errors import AppImportError, HaltServer

    if not settings.vision_threads:  # the workers share the cores
        cores = len(os.sched_getaffinity(0))
        settings = replace(settings, vision_threads=max(1, cores // runner.workers))
    settings = metrics.share(settings, runner)

    def load() -> Callable[..., Any]:
        # imported in the worker process: the threads of onnxruntime do not survive a fork
        from shared.vision.session import ProviderUnavailableError
        from shared.vision.weights import WeightsError

        app = backend.build(settings, runner.local_key or "")
        try:
            health.warm_up(app)
        except (ProviderUnavailableError, WeightsError) as error:
            raise AppImportError(f"error: {error}") from error
        return gateway.create(app, template.read())

    class Server(BaseApplication):
        """Gunicorn, configured only by our settings."""

        def load_config(self) -> None:
            for name, value in {
                "bind": _address(runner.host, runner.port),
                "workers": runner.workers,
                "threads": runner.threads,
                "worker_class": "gthread",
                "timeout": _REQUEST_TIMEOUT_S,
                "graceful_timeout": _STOP_TIMEOUT_S,
                "accesslog": None,
                "control_socket_disable": True,  # write only to DATA_DIR
                "loglevel": _gunicorn_level(settings.log_level),
                **(_supervisor_hooks() if runner.triggers else {}),
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Callable[..., Any]:
            return load()

    logging.getLogger("gunicorn.error").addFilter(_quote_nothing)
    try:
        Server().run()
    except HaltServer as halt:
        sys.exit(halt.exit_status)


def _gunicorn_level(level: str) -> str:
    return "info" if level == "DEBUG" else level.lower()  # its debug level logs every path


def _quote_nothing(record: logging.LogRecord) -> bool:
    """Remove quotes of requests from gunicorn's messages: they may contain a key."""
    for prefix in _QUOTING:
        if str(record.msg).startswith(prefix):
            record.msg, record.args = prefix, ()
    return True


def _supervisor_hooks() -> dict[str, Callable[[object], object]]:
    """Return the hooks of gunicorn's main process: they start and stop the supervisor."""
    stack = contextlib.ExitStack()
    return {
        "when_ready": lambda _arbiter: stack.callback(Supervisor().stop),
        "on_exit": lambda _arbiter: stack.close(),
    }


def _announce(runner: RunnerSettings, port: int, local_key: str) -> None:
    print(f"Serving on http://{_address(runner.host, port)} (Ctrl-C stops it)", flush=True)
    if local_key and runner.host not in _LOOPBACK:
        print(
            "Warning: anyone who reaches this address and knows LOCAL_KEY may call."
            " For production use the command `serve`.",
            file=sys.stderr,
        )


def _announce_inbox(app: App, functions: Sequence[template.Function]) -> None:
    """Create and print the inbox and outbox folders, if a function processes uploads."""
    folders = factory.folders(app, functions)
    if folders:
        print(f"Photos put into {folders[0]} come out in {folders[1]}", flush=True)


def _address(host: str, port: int) -> str:
    is_ipv6 = ":" in host
    return f"[{host}]:{port}" if is_ipv6 else f"{host}:{port}"
