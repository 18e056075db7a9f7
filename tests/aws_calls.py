"""What a process asks of AWS, as IAM counts it: pairs of an action and the resource it is done to.

Source: "Actions, resources, and condition keys" of DynamoDB, S3 and KMS in the Service
Authorization Reference; what transactions and conditional writes need, in the services' own guides.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import botocore.handlers

Call = tuple[str, str]
"""An action, as `dynamodb:GetItem`, and an ARN, or the name that the caller gave."""

_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_S3_ACTIONS = {
    "HeadObject": "GetObject",
    "GetObject": "GetObject",
    "PutObject": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObject": "DeleteObject",
}
_NOT_FOUND = 404


@contextlib.contextmanager
def recorded(record: Callable[[Call], None], region: str, account: str) -> Iterator[None]:
    """Record the calls of all clients that are made in the block."""

    def before(params: dict[str, Any], model: Any, **_: object) -> None:
        service = model.service_model.service_name
        for action, resource in _calls(service, model.name, params, f"{region}:{account}"):
            record((f"{service}:{action}", resource))

    def after(http_response: Any, model: Any, context: Mapping[str, Any], **_: object) -> None:
        if model.service_model.service_name == "s3" and http_response.status_code == _NOT_FOUND:
            bucket = context["input_params"]["Bucket"]  # who may not list hears 403 instead
            record(("s3:ListBucket", f"arn:aws:s3:::{bucket}"))

    hooks = [("before-parameter-build", before), ("after-call", after)]
    botocore.handlers.BUILTIN_HANDLERS.extend(hooks)
    try:
        yield
    finally:
        for hook in hooks:
            botocore.handlers.BUILTIN_HANDLERS.remove(hook)


def _calls(service: str, operation: str, params: Mapping[str, Any], place: str) -> Iterator[Call]:
    if service == "dynamodb":
        for action, table in _table_calls(operation, params):
            yield action, f"arn:aws:dynamodb:{place}:table/{table}"
    elif service == "s3":
        yield from _s3_calls(operation, params)
    else:
        yield operation, params.get("KeyId", "")  # of KMS; what else is called names no resource


def _table_calls(operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
    if operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            ((kind, part),) = item.items()
            yield _TRANSACTION[kind], part["TableName"]
    elif "RequestItems" in params:
        for table in params["RequestItems"]:
            yield operation, table
    elif index := params.get("IndexName"):
        yield operation, f"{params['TableName']}/index/{index}"
    else:
        yield operation, params["TableName"]


def _s3_calls(operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if operation == "ListObjectsV2":
        yield "ListBucket", bucket
        return
    yield _S3_ACTIONS[operation], f"{bucket}/{params['Key']}"
    if "IfMatch" in params:
        yield "GetObject", f"{bucket}/{params['Key']}"
    if operation == "CopyObject":
        yield "GetObject", f"arn:aws:s3:::{unquote(params['CopySource'])}"
