"""The resources of a template on an endpoint, each made when it is first asked for."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.provision.buckets import BUCKET, BUCKET_POLICY
from tools.provision.endpoint import Endpoint
from tools.provision.errors import LeftOutError, ProvisionError
from tools.provision.expressions import Expressions
from tools.provision.queues import QUEUE, QUEUE_POLICY
from tools.provision.resource import Maker, Resource
from tools.provision.secrets import KEY, SECRET
from tools.provision.tables import TABLE
from tools.provision.template import Template

MAKERS: Mapping[str, Maker] = {
    "AWS::DynamoDB::Table": TABLE,
    "AWS::S3::Bucket": BUCKET,
    "AWS::S3::BucketPolicy": BUCKET_POLICY,
    "AWS::SQS::Queue": QUEUE,
    "AWS::SQS::QueuePolicy": QUEUE_POLICY,
    "AWS::KMS::Key": KEY,
    "AWS::SecretsManager::Secret": SECRET,
}
LEFT_OUT = ("ApiGatewayV2", "CloudWatch", "Events", "IAM", "Lambda", "Logs", "Scheduler", "SNS")
"""The services whose resources are not made: they hold no state, and the local runner does what
functions, their triggers and the API are for."""

_REFERENCE = re.compile(r"\{\{resolve:(\w+):([^{}]+)\}\}")

Report = Callable[[str, Resource], None]


class Stack:
    """A template's resources; each is made once, after those that it names."""

    def __init__(
        self,
        template: Template,
        endpoint: Endpoint,
        *,
        prefix: str = "",
        parameters: Mapping[str, str] | None = None,
        report: Report = lambda _logical_id, _resource: None,
    ) -> None:
        """Take a template, where to make it, and what the names of all that is made start with.

        Raises:
            ProvisionError: a parameter is not known, or has no value.

        """
        self.template = template
        self._endpoint = endpoint
        self._prefix = prefix
        self._report = report
        self._made: dict[str, Resource] = {}
        self._under_way: list[str] = []
        self._expressions = Expressions(
            self._values(parameters or {}),
            template.conditions,
            ref=self._ref,
            attribute=self._attribute,
        )

    def make_all(self) -> None:
        """Make every resource that holds state, or bring it to what the template says.

        Raises:
            ProvisionError: one cannot be made; those before it are there.

        """
        for logical_id, resource in self.template.resources.items():
            self._check_known(logical_id, resource["Type"])
        for logical_id, resource in self.template.resources.items():
            if resource["Type"] in MAKERS and self._is_wanted(resource):
                self.make(logical_id)

    def make(self, logical_id: str) -> Resource:
        """Return a resource; make it and those that it names, if they are not made yet.

        Raises:
            LeftOutError: it is not of the kinds that are made.
            ProvisionError: it cannot be made.

        """
        if logical_id in self._made:
            return self._made[logical_id]
        resource = self._declared(logical_id)
        if logical_id in self._under_way:
            circle = " -> ".join([*self._under_way, logical_id])
            raise ProvisionError(f"resources depend on each other in a circle: {circle}")
        self._under_way.append(logical_id)
        try:
            self._make_dependencies(resource)
            made = self._made[logical_id] = self._make(logical_id, resource)
        finally:
            self._under_way.pop()
        self._report(logical_id, made)
        return made

    def variables(self) -> dict[str, str]:
        """Return the environment of a process that uses what was made.

        That is what `Globals` gives to the functions, and each output by its name in capitals, as
        KEY_LOG_TABLE for KeyLogTable; outputs of what is not made here are left out.

        Raises:
            ProvisionError: a value cannot be computed.

        """
        found = dict(self._endpoint.environment)
        for output, declaration in self.template.outputs.items():
            if self._is_wanted(declaration):
                try:
                    found[_in_capitals(output)] = str(self.value(declaration["Value"]))
                except LeftOutError:
                    continue
        values = self.value(self.template.variables)
        return found | {name: self._reveal(str(value)) for name, value in values.items()}

    def value(self, value: Any) -> Any:
        """Return a value of the template with every function in it computed.

        Raises:
            ProvisionError: it cannot be computed.

        """
        return self._expressions.value(value)

    def _values(self, given: Mapping[str, str]) -> dict[str, Any]:
        declared = self.template.parameters
        if unknown := set(given) - set(declared):
            raise ProvisionError(f"the template has no parameter {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {}
        for name, declaration in declared.items():
            if name not in given and "Default" not in declaration:
                raise ProvisionError(f"the parameter {name} has no value: --parameter {name}=...")
            value = str(given.get(name, declaration.get("Default")))
            allowed = list(map(str, declaration.get("AllowedValues", [value])))
            if value not in allowed:
                raise ProvisionError(f"the parameter {name} must be one of {', '.join(allowed)}")
            is_list = declaration["Type"] == "CommaDelimitedList"
            values[name] = value.split(",") if is_list else value
        return values

    def _declared(self, logical_id: str) -> Mapping[str, Any]:
        resource: Mapping[str, Any] | None = self.template.resources.get(logical_id)
        if resource is None:
            raise ProvisionError(f"the template has no resource {logical_id}")
        self._check_known(logical_id, resource["Type"])
        if resource["Type"] not in MAKERS:
            raise LeftOutError(f"{logical_id}, a {resource['Type']}, is not made here")
        if not self._is_wanted(resource):
            raise ProvisionError(f"{logical_id} is named, but its condition does not hold")
        return resource

    @staticmethod
    def _check_known(logical_id: str, kind: str) -> None:
        if kind not in MAKERS and kind.split("::")[1] not in LEFT_OUT:
            raise ProvisionError(f"{logical_id}: how to make a {kind} is not known")

    def _is_wanted(self, declaration: Mapping[str, Any]) -> bool:
        condition = declaration.get("Condition")
        return condition is None or self._expressions.holds(condition)

    def _make_dependencies(self, resource: Mapping[str, Any]) -> None:
        named = resource.get("DependsOn", [])
        for dependency in [named] if isinstance(named, str) else named:
            declaration = self.template.resources[dependency]
            if declaration["Type"] in MAKERS and self._is_wanted(declaration):
                self.make(dependency)

    def _make(self, logical_id: str, resource: Mapping[str, Any]) -> Resource:
        maker = MAKERS[resource["Type"]]
        properties = self.value(resource.get("Properties", {}))
        if unknown := sorted(set(properties) - maker.properties):
            raise ProvisionError(f"{logical_id}: {', '.join(unknown)} is not known here")
        try:
            return maker.make(self._endpoint, self._prefix + logical_id, properties)
        except (BotoCoreError, ClientError) as error:
            raise ProvisionError(f"{logical_id}: {error}") from error

    def _ref(self, name: str) -> str:
        return self._pseudo_parameters[name] if name.startswith("AWS::") else self.make(name).ref

    @cached_property
    def _pseudo_parameters(self) -> Mapping[str, str]:
        endpoint = self._endpoint
        return {
            "AWS::AccountId": endpoint.account,
            "AWS::Partition": endpoint.partition,
            "AWS::Region": endpoint.region,
            "AWS::StackName": self._prefix.rstrip("-").lower(),
            "AWS::URLSuffix": "amazonaws.com",
        }

    def _attribute(self, logical_id: str, attribute: str) -> str:
        attributes = self.make(logical_id).attributes
        if attribute not in attributes:
            raise ProvisionError(f"the attribute {logical_id}.{attribute} is not known here")
        return attributes[attribute]

    def _reveal(self, text: str) -> str:
        """Return a text with the secrets in it, as CloudFormation puts them in."""

        def secret(reference: re.Match[str]) -> str:
            service, name = reference.groups()
            if service != "secretsmanager" or ":SecretString" in name:
                raise ProvisionError(f"the reference {reference.group()} is not known here")
            client = self._endpoint.client("secretsmanager")
            return str(client.get_secret_value(SecretId=name)["SecretString"])

        return _REFERENCE.sub(secret, text)


def _in_capitals(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
