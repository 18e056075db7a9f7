"""A stand-in for AWS: moto's server, with what template.yaml keeps state in."""

import contextlib
from collections.abc import Iterator
from threading import Thread

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from harness.processes import TIMEOUT_S
from tools import provision


@contextlib.contextmanager
def running(**parameters: str) -> Iterator[dict[str, str]]:
    """Run the stand-in; yield the environment of a server that uses it."""
    with empty() as url:
        yield provision.make(provision.state(), url, parameters=parameters)


@contextlib.contextmanager
def empty() -> Iterator[str]:
    """Run the stand-in with nothing in it; yield its address.

    It serves one request after the other: moto's transactions are not atomic among threads.
    """
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=False, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        requests.post(f"{url}/moto-api/reset", timeout=TIMEOUT_S).raise_for_status()
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""
