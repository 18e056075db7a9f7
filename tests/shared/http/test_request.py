"""Reading the proxy event."""

import base64
from typing import Any

import pytest

from harness import builders
from shared.core.errors import BodyTooLargeError, InvalidParameterError
from shared.http.request import Request, decode_base64


def request_with(**more: Any) -> Request:
    return Request(builders.event(**more), timeout_s=60)


def test_header_names_are_lower_case() -> None:
    assert request_with(headers={"AUTHORIZATION": "k"}).headers == {"authorization": "k"}


def test_reads_a_binary_body() -> None:
    event = builders.event(body=base64.b64encode(b"\xff\x00").decode())
    event["isBase64Encoded"] = True
    assert Request(event, timeout_s=60).body == b"\xff\x00"


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "1", "null", '"x"', "[" * 100_000, '{"a":' * 100_000, "9" * 10_000]
)
def test_refuses_a_body_that_is_not_a_json_object(body: str) -> None:
    with pytest.raises(InvalidParameterError):
        _ = request_with(body=body).json


def test_reads_korean() -> None:
    assert request_with(body='{"이름": "얼굴"}').json == {"이름": "얼굴"}


def test_a_body_at_the_limit_passes() -> None:
    request_with(body="x" * 10).check_size(10)


def test_refuses_a_body_over_the_limit() -> None:
    with pytest.raises(BodyTooLargeError):
        request_with(body="x" * 11).check_size(10)


@pytest.mark.parametrize("length", ["11", "9" * 400])
def test_refuses_a_body_that_was_only_announced(length: str) -> None:
    with pytest.raises(BodyTooLargeError):
        request_with(headers={"content-length": length}).check_size(10)


def test_counts_bytes_not_characters() -> None:
    with pytest.raises(BodyTooLargeError):
        request_with(body="얼" * 4).check_size(10)


@pytest.mark.parametrize(
    "text",
    [
        "aGVsbG8gd29ybGQ=",
        "aGVsbG8gd29ybGQ",
        "aGVs\r\nbG8gd29y\nbGQ=\n",
        " data:image/jpeg;base64,aGVsbG8gd29ybGQ=",
        "data:;base64,aGVs bG8gd29ybGQ",
    ],
)
def test_decodes_base64(text: str) -> None:
    assert decode_base64(text, "file") == b"hello world"


@pytest.mark.parametrize("text", ["a", "????", "aGVsbG8*", "/etc/passwd!", "얼굴", "aGVs=bG8=x"])
def test_refuses_text_that_is_not_base64(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="file is not base64"):
        decode_base64(text, "file")
