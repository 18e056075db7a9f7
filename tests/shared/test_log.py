"""Log lines: what stands in them, and what never does."""

import contextvars
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from shared import log


def line_of(message: str = "m", **fields: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", **fields})
    parsed: dict[str, Any] = json.loads(log.JsonFormatter().format(record))
    return parsed


def test_a_line_has_its_fields() -> None:
    line = line_of("call", status=200, route="POST /FaceDeID")
    assert line["message"] == "call"
    assert line["status"] == 200
    assert line["route"] == "POST /FaceDeID"


def test_a_line_has_the_id_of_the_request() -> None:
    with log.request_id("r-1"):
        assert line_of()["requestId"] == "r-1"
    assert "requestId" not in line_of()


def test_a_line_has_the_id_of_the_invocation() -> None:
    class Context:
        aws_request_id = "i-1"

    with log.invocation(Context()), log.request_id("r-1"):
        line = line_of()
        assert (line["requestId"], line["invocation"]) == ("r-1", "i-1")
    with log.invocation(None):
        assert "invocation" not in line_of()
    assert "invocation" not in line_of()


def test_a_thread_has_the_ids_only_in_a_copy_of_the_context() -> None:
    with log.request_id("r-1"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(log.identity).result() == {}
        copied = contextvars.copy_context()
        assert pool.submit(copied.run, log.identity).result() == {"requestId": "r-1"}


def test_image_bytes_and_vectors_are_dropped() -> None:
    line = line_of(image=b"\xff\xd8secret", vector=np.ones(128), long="x" * 1000)
    assert line["image"] == "<bytes>"
    assert line["vector"] == "<ndarray>"
    assert line["long"] == "<str>"


def test_fields_named_like_a_secret_are_left_out() -> None:
    line = line_of(accessKey="k", api_key="k", Authorization="k", next_token="k", password="k")
    assert set(line) == {"time", "level", "message"}


def test_an_error_is_told_without_its_message() -> None:
    try:
        raise ValueError("what the caller sent")
    except ValueError as error:
        line = line_of(exc_info=(type(error), error, error.__traceback__))
    assert line["error"]["type"] == "ValueError"
    assert "test_an_error_is_told" in line["error"]["where"][0]
    assert "what the caller sent" not in json.dumps(line)


def test_libraries_that_log_whole_bodies_are_never_at_debug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    before = logging.getLogger().level
    try:
        log.configure("DEBUG")
        for name in ("botocore", "boto3", "urllib3", "pynamodb"):
            assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    finally:
        logging.getLogger().setLevel(before)
