"""A stand-in for AWS: moto's server, with what template.yaml names."""

import contextlib
from collections.abc import Iterator
from threading import Thread

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from local_runner.template import TEMPLATE
from tools.provision import template
from tools.provision.endpoint import STAND_IN_CREDENTIALS, Endpoint
from tools.provision.stack import Stack


@contextlib.contextmanager
def running(**parameters: str) -> Iterator[dict[str, str]]:
    """Run the stand-in; yield the environment of a server that uses it."""
    with empty() as url:
        yield STAND_IN_CREDENTIALS | make(Endpoint(url=url), **parameters).variables()


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
        requests.post(f"{url}/moto-api/reset", timeout=10).raise_for_status()
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def make(endpoint: Endpoint, **parameters: str) -> Stack:
    """Make what template.yaml names; return it."""
    stack = Stack(template.read(TEMPLATE), endpoint, prefix="faces-", parameters=parameters)
    stack.make_all()
    return stack
