"""The local gateway creates the events of the cloud's gateway."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import flask
import pytest

from harness import builders
from local_runner import gateway
from local_runner.template import Function, Route
from shared.app import App
from tests import log_lines

MODULE = "echo_of_the_gateway_tests"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    """A client of a gateway whose only function returns its event."""
    module = ModuleType(MODULE)

    def handler(event: dict[str, Any], context: Any, app: App) -> dict[str, Any]:
        body = {"event": event, "function": context.function_name, "id": context.aws_request_id}
        return {
            "statusCode": 207,
            "headers": {"Content-Type": "application/json", "X-One": "1"},
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "isBase64Encoded": True,
        }

    vars(module)["handler"] = handler
    sys.modules[MODULE] = module
    routes = (
        Route("POST", "/groups/{groupId}/faces/{faceId}"),
        Route("ANY", "/sub/{proxy+}"),
        Route("ANY", "$default"),
    )
    app = App(builders.settings(tmp_path, MAX_BODY_BYTES="1024"))
    yield gateway.create(app, [Function("Echo", f"{MODULE}.handler", routes)]).test_client()
    del sys.modules[MODULE]


def event_of(reply: Any) -> dict[str, Any]:
    event: dict[str, Any] = reply.get_json()["event"]
    return event


def test_returns_the_id_of_the_request(client: Any) -> None:
    reply, other = client.get("/x"), client.get("/x")
    assert reply.headers["Apigw-Requestid"] == event_of(reply)["requestContext"]["requestId"]
    assert reply.headers["Apigw-Requestid"] != other.headers["Apigw-Requestid"]


def test_an_unexpected_error_is_logged_with_the_id_and_without_the_path(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(event: dict[str, Any], context: Any, app: App) -> dict[str, Any]:
        seen.append(context.aws_request_id)
        raise ValueError(event["rawPath"])

    seen: list[str] = []
    monkeypatch.setitem(vars(sys.modules[MODULE]), "handler", handler)
    log_lines.collect(caplog)
    assert client.get("/sub/a-private-key").status_code == 500
    (line,) = log_lines.collected(caplog)
    assert (line["level"], line["requestId"]) == ("ERROR", seen[0])
    assert line["error"]["type"] == "ValueError"
    assert "a-private-key" not in caplog.text


def test_reads_path_parameters(client: Any) -> None:
    event = event_of(client.post("/groups/a%20b/faces/f-1"))
    assert event["routeKey"] == "POST /groups/{groupId}/faces/{faceId}"
    assert event["pathParameters"] == {"groupId": "a b", "faceId": "f-1"}
    assert event["requestContext"]["http"]["method"] == "POST"


def test_another_method_goes_to_the_default_route(client: Any) -> None:
    assert event_of(client.get("/groups/a/faces/b"))["routeKey"] == "$default"


@pytest.mark.parametrize("path", ["/", "/x", "/x/", "/x//y", "/x/../y"])
def test_any_other_path_goes_to_the_default_route(client: Any, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 207
    assert event_of(reply)["routeKey"] == "$default"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_any_method_reaches_an_any_route(client: Any, method: str) -> None:
    assert event_of(client.open("/sub/a/b", method=method))["routeKey"] == "ANY /sub/{proxy+}"


def test_headers_and_query_have_payload_format_2(client: Any) -> None:
    event = event_of(client.get("/x?a=1&a=2&b=%ED%95%9C", headers={"X-Some-Thing": "v"}))
    assert event["headers"]["x-some-thing"] == "v"
    assert event["queryStringParameters"] == {"a": "1,2", "b": "한"}
    assert event["rawQueryString"] == "a=1&a=2&b=%ED%95%9C"


def test_a_text_body_is_text(client: Any) -> None:
    event = event_of(client.post("/x", data="얼굴"))
    assert (event["body"], event["isBase64Encoded"]) == ("얼굴", False)


def test_a_binary_body_is_base64(client: Any) -> None:
    event = event_of(client.post("/x", data=b"\xff\xd8\x00"))
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"\xff\xd8\x00"


def test_passes_on_only_the_beginning_of_a_large_body(client: Any) -> None:
    event = event_of(client.post("/x", data=b"x" * 200_000))
    assert 1024 < len(event["body"]) < 100_000
    assert event["headers"]["content-length"] == "200000"


def test_the_reply_is_the_handlers(client: Any) -> None:
    reply = client.get("/x")
    assert reply.status_code == 207
    assert reply.headers["X-One"] == "1"
    assert reply.get_json()["function"] == "Echo"
    assert reply.get_json()["id"] == event_of(reply)["requestContext"]["requestId"]


def test_serves_no_static_files(tmp_path: Path) -> None:
    wsgi: flask.Flask = gateway.create(App(builders.settings(tmp_path)), [])
    assert wsgi.test_client().get("/static/x").status_code == 404
