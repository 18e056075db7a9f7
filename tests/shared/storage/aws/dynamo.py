"""Moto's DynamoDB with the tables of template.yaml, behind a transport that can fail."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.handlers
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from local_runner.template import resource_properties
from shared.storage.aws.dynamodb import DynamoDb
from shared.storage.aws.faces import DynamoFaces
from shared.storage.aws.groups import DynamoGroups
from shared.storage.aws.retry import Retry
from tests.shared.storage.stores import Store

GROUPS, FACES = "GroupsTable", "FacesTable"
_GIVEN = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "StreamSpecification",
)  # the properties of a table that CreateTable takes by the same names


@dataclass(frozen=True)
class Fault:
    """An error in answer to a request of an operation.

    With `lost_answer` the request is carried out first.
    """

    operation: str
    status: int = 400
    code: str = "ThrottlingException"
    reasons: tuple[str, ...] = ()
    lost_answer: bool = False

    def response(self, url: str) -> AWSResponse:
        return _response(
            url,
            self.status,
            {
                "__type": f"com.amazonaws.dynamodb.v20120810#{self.code}",
                "message": self.code,
                "CancellationReasons": [{"Code": reason} for reason in self.reasons],
            },
        )


class Transport:
    """Stands where botocore sends: serves one request at a time, and can inject faults.

    Like DynamoDB, and unlike moto, it applies a transaction with the same token only once.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Forget the requests and the faults."""
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[Fault] = []
        self._events: list[tuple[str, Callable[[], object]]] = []
        self._keys_left_out = 0
        self._applied: set[str] = set()

    def of(self, operation: str) -> list[dict[str, Any]]:
        """Return the bodies of the requests of an operation."""
        return [body for name, body in self.requests if name == operation]

    def fail(self, fault: Fault, *, times: int) -> None:
        """Answer the next requests of the fault's operation with it."""
        self.faults += [fault] * times

    def before(self, operation: str, event: Callable[[], object]) -> None:
        """Call `event` when the next request of an operation arrives."""
        self._events.append((operation, event))

    def leave_out_keys(self, count: int) -> None:
        """Let the next BatchGetItem leave keys unprocessed, as DynamoDB does under load."""
        self._keys_left_out = count

    def __call__(self, event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).split(".")[1]
        body = json.loads(request.body)
        with self._lock:
            self.requests.append((operation, body))
            for event in [event for event in self._events if event[0] == operation][:1]:
                self._events.remove(event)
                event[1]()
            for fault in [fault for fault in self.faults if fault.operation == operation][:1]:
                self.faults.remove(fault)
                if fault.lost_answer:
                    self._serve(event_name, request, body)
                return fault.response(request.url)
            return self._serve(event_name, request, body)

    def _serve(
        self, event_name: str, request: AWSPreparedRequest, body: dict[str, Any]
    ) -> AWSResponse:
        token = body.get("ClientRequestToken")
        if token in self._applied:
            return _response(request.url, 200, {})
        response: AWSResponse = botocore_stubber(event_name, request)
        if token and response.status_code == 200:
            self._applied.add(token)
        if self._keys_left_out and "Keys" in body.get("RequestItems", {}).get(FACES, {}):
            response = self._without_some_keys(request, body, response)
        return response

    def _without_some_keys(
        self, request: AWSPreparedRequest, body: dict[str, Any], response: AWSResponse
    ) -> AWSResponse:
        asked = body["RequestItems"][FACES]
        left_out = asked["Keys"][: self._keys_left_out]
        self._keys_left_out = 0
        answer = json.loads(response.content)
        answer["UnprocessedKeys"] = {FACES: {**asked, "Keys": left_out}}
        answer["Responses"][FACES] = [
            item
            for item in answer["Responses"][FACES]
            if item["face_id"] not in [key["face_id"] for key in left_out]
        ]
        return _response(request.url, 200, answer)


def _response(url: str, status: int, body: dict[str, Any]) -> AWSResponse:
    return AWSResponse(url, status, {}, MockRawResponse(json.dumps(body)))


@dataclass
class Dynamo:
    """The running stand-in."""

    store: Store
    transport: Transport
    client: Any

    def clear(self) -> None:
        """Start with empty tables and no faults."""
        for name in self.client.list_tables()["TableNames"]:
            self.client.delete_table(TableName=name)
        self.make(GROUPS, FACES)

    def make(self, *tables: str) -> None:
        """Create tables of the template, named as there."""
        for name in tables:
            create_table(self.client, name)
        self.transport.clear()

    def contents(self) -> list[object]:
        """Return every value of every item, as Python types."""
        items = [
            item for name in (GROUPS, FACES) for item in self.client.scan(TableName=name)["Items"]
        ]
        return [value for item in items for typed in item.values() for value in typed.values()]


def create_table(client: Any, name: str) -> None:
    """Create a table of the template, named as there."""
    properties = resource_properties(name)
    given = {part: properties[part] for part in _GIVEN if part in properties}
    if "StreamSpecification" in given:
        given["StreamSpecification"] = {"StreamEnabled": True, **given["StreamSpecification"]}
    client.create_table(TableName=name, **given)


@contextlib.contextmanager
def running(*, retry: Retry | None = None) -> Iterator[Dynamo]:
    """Run moto and a store on it until the block ends."""
    transport = Transport()
    with mock_aws(), pytest.MonkeyPatch.context() as environment, _sending_through(transport):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "ap-northeast-2")
        client = DynamoDb(retry=retry)
        store = Store(DynamoGroups(client, GROUPS, FACES), DynamoFaces(client, GROUPS, FACES))
        yield Dynamo(store, transport, boto3.client("dynamodb"))


@contextlib.contextmanager
def _sending_through(transport: Transport) -> Iterator[None]:
    """Let the clients that are created in the block send to the transport instead of moto."""
    handlers = botocore.handlers.BUILTIN_HANDLERS
    place = handlers.index(("before-send", botocore_stubber))
    handlers[place] = ("before-send", transport)
    try:
        yield
    finally:
        handlers[place] = ("before-send", botocore_stubber)
