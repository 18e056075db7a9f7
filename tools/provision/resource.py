"""What is known of a resource that was made, and of how one is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.provision.endpoint import Endpoint

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource on an endpoint.

    Attributes:
        ref: what `Ref` gives.
        attributes: what `Fn::GetAtt` gives, by name.
        is_new: whether it was not there before.

    """

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Maker:
    """How resources of one type are made.

    Attributes:
        make: given the endpoint, a name and the properties, makes it or finds it made, and brings
            what can be changed to what the properties say.
        properties: those that it knows.

    """

    make: Callable[[Endpoint, str, Properties], Resource]
    properties: frozenset[str]


def tags(properties: Properties) -> list[dict[str, str]]:
    """Return the tags of a resource, as most services take them."""
    return [dict(tag) for tag in properties.get("Tags", ())]
