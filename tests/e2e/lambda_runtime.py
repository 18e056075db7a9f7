"""AWS Lambda, as a function sees it: the Runtime API, and a process of the image that polls it.

Source: "Using the Lambda runtime API for custom runtimes" of the Lambda guide.
"""

import contextlib
import json
import queue
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from shared.config import ROOT, Settings

_VERSION = "/2018-06-01/runtime"
_ANSWER_TIMEOUT_S = 240  # to compile what builds graphs takes half a minute and more


@dataclass(frozen=True)
class Answer:
    """What became of an invocation: a payload, or an error (`errorType`, `errorMessage`)."""

    payload: Any = None
    error: Any = None


@dataclass
class Function:
    """A running function."""

    log: Path
    process: "subprocess.Popen[bytes]"
    invocations: "queue.Queue[tuple[dict[str, str], bytes] | None]" = field(
        default_factory=queue.Queue
    )
    answers: "queue.Queue[Answer]" = field(default_factory=queue.Queue)

    def invoke(self, event: object, *, timeout_s: float = 240) -> Answer:
        """Return what the function answers to an event, or the error that it reports."""
        headers = {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:ap-northeast-2:1:function:f",
        }
        self.invocations.put((headers, json.dumps(event).encode()))
        return self.answers.get(timeout=_ANSWER_TIMEOUT_S)

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines that it has logged, and nothing else may be there."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.contextmanager
def running(command: str, folder: Path, environ: Mapping[str, str]) -> Iterator[Function]:
    """Run the entry point of the image with a function's command, until the block ends."""
    log = folder / f"{command}.log"
    api = _RuntimeApi(("127.0.0.1", 0), _Handler)
    thread = Thread(target=api.serve_forever, args=(0.01,))
    with api, log.open("wb") as output:
        process = subprocess.Popen(
            [*_entry_point(), command],
            cwd=ROOT,
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "MODELS_DIR": str(Settings.from_environment().models_dir),
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
                "AWS_LAMBDA_FUNCTION_NAME": command,
                **environ,
            },
            stdout=output, stderr=output,
        )  # fmt: skip
        api.function = Function(log, process)
        thread.start()
        try:
            yield api.function
        finally:
            process.kill()
            process.wait()
            api.function.invocations.put(None)
            api.shutdown()
            thread.join()


def _entry_point() -> list[str]:
    (line,) = [
        line.removeprefix("ENTRYPOINT ")
        for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("ENTRYPOINT ")
    ]
    words: list[str] = json.loads(line)
    return words


class _RuntimeApi(ThreadingHTTPServer):
    function: Function


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms for an acknowledgement
    server: _RuntimeApi

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the process was ended while it waited
            super().handle()

    def do_GET(self) -> None:
        assert self.path == f"{_VERSION}/invocation/next"
        invocation = self.server.function.invocations.get()
        if invocation is None:
            self.close_connection = True
            return
        headers, body = invocation
        self._send(200, body, headers)

    def do_POST(self) -> None:
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_error = self.path.endswith("/error")
        assert is_error or self.path.endswith("/response")
        answer = Answer(error=posted) if is_error else Answer(payload=posted)
        self.server.function.answers.put(answer)
        self._send(202, b"{}", {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""
