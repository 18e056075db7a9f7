"""S3 buckets: encryption, access, versions, lifecycles, whom they notify, and their policies."""

import json
from typing import Any

from tools.provision.endpoint import Endpoint
from tools.provision.errors import ProvisionError
from tools.provision.resource import Maker, Properties, Resource, tags

_FIRST_REGION = "us-east-1"  # whose buckets must not name it
_OLD_AND_PARTIAL = {  # CloudFormation's names, and those of S3
    "ExpirationInDays": ("Expiration", "Days"),
    "ExpiredObjectDeleteMarker": ("Expiration", "ExpiredObjectDeleteMarker"),
    "NoncurrentVersionExpirationInDays": ("NoncurrentVersionExpiration", "NoncurrentDays"),
}
_AS_IN_S3 = ("Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")


def _make(endpoint: Endpoint, name: str, properties: Properties) -> Resource:
    s3 = endpoint.client("s3")
    name = properties.get("BucketName", name.lower())
    is_new = _create(endpoint, name)
    if encryption := properties.get("BucketEncryption"):
        s3.put_bucket_encryption(
            Bucket=name, ServerSideEncryptionConfiguration=_encryption(encryption)
        )
    if access := properties.get("PublicAccessBlockConfiguration"):
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=access)
    if ownership := properties.get("OwnershipControls"):
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=ownership)
    if versioning := properties.get("VersioningConfiguration"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    if lifecycle := properties.get("LifecycleConfiguration"):
        rules = [_rule(name, rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if notification := properties.get("NotificationConfiguration"):
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration=_notification(name, notification)
        )
    if "Tags" in properties:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags(properties)})
    return Resource(name, {"Arn": f"arn:{endpoint.partition}:s3:::{name}"}, is_new)


def _create(endpoint: Endpoint, name: str) -> bool:
    """Create a bucket; tell whether it was not there before.

    Raises:
        ProvisionError: somebody else has one of that name.

    """
    s3 = endpoint.client("s3")
    if any(bucket["Name"] == name for bucket in s3.list_buckets()["Buckets"]):
        return False
    place: dict[str, Any] = {}
    if endpoint.region != _FIRST_REGION:
        place = {"CreateBucketConfiguration": {"LocationConstraint": endpoint.region}}
    try:
        s3.create_bucket(Bucket=name, **place)
    except s3.exceptions.BucketAlreadyExists:
        raise ProvisionError(
            f"another account has a bucket {name}: take another --prefix"
        ) from None
    return True


def _encryption(given: dict[str, Any]) -> dict[str, Any]:
    default = "ServerSideEncryptionByDefault"  # S3 puts an Apply before it
    rules = [
        {f"Apply{name}" if name == default else name: value for name, value in rule.items()}
        for rule in given["ServerSideEncryptionConfiguration"]
    ]
    return {"Rules": rules}


def _rule(bucket: str, given: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"Filter": {"Prefix": given.get("Prefix", "")}}
    for name, value in given.items():
        if name in _OLD_AND_PARTIAL:
            group, member = _OLD_AND_PARTIAL[name]
            rule.setdefault(group, {})[member] = value if isinstance(value, bool) else int(value)
        elif name in _AS_IN_S3:
            rule[name] = _whole_numbers(value)
        elif name == "Id":
            rule["ID"] = value
        elif name != "Prefix":
            raise ProvisionError(f"the bucket {bucket}: the lifecycle's {name} is not known")
    return rule


def _whole_numbers(value: Any) -> Any:
    """Return a value of which all numbers are numbers: parameters are texts."""
    if not isinstance(value, dict):
        return value
    return {name: int(number) for name, number in value.items()}


def _notification(bucket: str, given: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name == "EventBridgeConfiguration":
            if value["EventBridgeEnabled"]:
                made["EventBridgeConfiguration"] = {}
        elif name == "QueueConfigurations":
            made[name] = [_to_queue(configuration) for configuration in value]
        else:
            raise ProvisionError(f"the bucket {bucket}: {name} is not known")
    return made


def _to_queue(given: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"QueueArn": given["Queue"], "Events": [given["Event"]]}
    if "Filter" in given:
        rules = given["Filter"]["S3Key"]["Rules"]
        made["Filter"] = {
            "Key": {
                "FilterRules": [{"Name": rule["Name"], "Value": rule["Value"]} for rule in rules]
            }
        }
    return made


def _make_policy(endpoint: Endpoint, _name: str, properties: Properties) -> Resource:
    bucket, policy = properties["Bucket"], properties["PolicyDocument"]
    statements = [
        statement
        for statement in policy["Statement"]
        if not (endpoint.is_plain_http and _refuses_plain_http(statement))
    ]
    if statements:
        document = json.dumps({**policy, "Statement": statements})
        endpoint.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)
    return Resource(bucket)


def _refuses_plain_http(statement: dict[str, Any]) -> bool:
    condition = statement.get("Condition", {})
    return statement["Effect"] == "Deny" and "aws:SecureTransport" in condition.get("Bool", {})


BUCKET = Maker(
    _make,
    frozenset(
        {
            "BucketName",
            "BucketEncryption",
            "PublicAccessBlockConfiguration",
            "OwnershipControls",
            "VersioningConfiguration",
            "LifecycleConfiguration",
            "NotificationConfiguration",
            "Tags",
        }
    ),
)
BUCKET_POLICY = Maker(_make_policy, frozenset({"Bucket", "PolicyDocument"}))
