"""What encrypts and what is secret: KMS keys, and secrets that are made up."""

import json
from typing import Any

from tools.provision.endpoint import Endpoint
from tools.provision.errors import ProvisionError
from tools.provision.resource import Maker, Properties, Resource, tags


def _make_key(endpoint: Endpoint, name: str, properties: Properties) -> Resource:
    """Make a KMS key, which has no name: it is found again by an alias."""
    kms = endpoint.client("kms")
    alias = f"alias/{name}"
    try:
        key = kms.describe_key(KeyId=alias)["KeyMetadata"]
        is_new = False
    except kms.exceptions.NotFoundException:
        is_new = True
        request: dict[str, Any] = {
            option: properties[option]
            for option in ("Description", "KeySpec", "KeyUsage", "MultiRegion")
            if option in properties
        }
        if "KeyPolicy" in properties:
            request["Policy"] = json.dumps(properties["KeyPolicy"])
        key_tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags(properties)]
        key = kms.create_key(Tags=key_tags, **request)["KeyMetadata"]
        kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    if properties.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    return Resource(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]}, is_new)


def _make_secret(endpoint: Endpoint, name: str, properties: Properties) -> Resource:
    """Make a secret; one that is there keeps its value."""
    client = endpoint.client("secretsmanager")
    name = properties.get("Name", name)
    try:
        arn = client.describe_secret(SecretId=name)["ARN"]
        is_new = False
    except client.exceptions.ResourceNotFoundException:
        is_new = True
        request = {
            option: properties[option]
            for option in ("Description", "KmsKeyId")
            if option in properties
        }
        text = _secret_text(client, name, properties)
        made = client.create_secret(Name=name, SecretString=text, Tags=tags(properties), **request)
        arn = made["ARN"]
    return Resource(arn, {"Id": arn}, is_new)


def _secret_text(client: Any, name: str, properties: Properties) -> str:
    if "SecretString" in properties:
        return str(properties["SecretString"])
    options = dict(properties.get("GenerateSecretString", {}))
    if "SecretStringTemplate" in options:
        raise ProvisionError(f"the secret {name}: SecretStringTemplate is not known")
    return str(client.get_random_password(**options)["RandomPassword"])


KEY = Maker(
    _make_key,
    frozenset(
        {
            "Description",
            "KeySpec",
            "KeyUsage",
            "MultiRegion",
            "KeyPolicy",
            "EnableKeyRotation",
            "PendingWindowInDays",  # matters when the stack is deleted
            "Tags",
        }
    ),
)
SECRET = Maker(
    _make_secret,
    frozenset({"Name", "Description", "KmsKeyId", "SecretString", "GenerateSecretString", "Tags"}),
)
