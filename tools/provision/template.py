"""Turns a SAM template into the CloudFormation resources that AWS makes of it, offline."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from tools.provision.errors import ProvisionError

_REGION = "us-east-1"  # asked for the partition alone, of resources that are left out
_IMAGE = "image:latest"  # what `sam build` fills in


@dataclass(frozen=True, slots=True)
class Template:
    """A translated template; values still hold `Ref`, `Fn::GetAtt` and the like.

    Attributes:
        parameters: their declarations, by name.
        conditions: by name.
        resources: with `Type` and `Properties`, by logical id.
        outputs: with `Value`, by name.
        variables: the environment that `Globals` gives to every function, by name.

    """

    parameters: dict[str, Any]
    conditions: dict[str, Any]
    resources: dict[str, Any]
    outputs: dict[str, Any]
    variables: dict[str, Any]


@cache
def read(path: Path) -> Template:
    """Translate a SAM template.

    Raises:
        ProvisionError: it cannot be read, or is no SAM template.

    """
    try:
        source = yaml_parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ProvisionError(f"{path}: {error}") from error
    if not isinstance(source, dict) or "Resources" not in source:
        raise ProvisionError(f"{path}: is no template: it has no Resources")
    globals_ = source.get("Globals", {}).get("Function", {})
    variables = globals_.get("Environment", {}).get("Variables", {})
    for resource in source["Resources"].values():
        if resource.get("Properties", {}).get("PackageType") == "Image":
            resource["Properties"].setdefault("ImageUri", _IMAGE)
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=_REGION))
    try:
        made = translator.translate(source, parameter_values={})
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise ProvisionError(f"{path}: {error.message} {causes}") from error
    finally:
        translator.metrics.publish()  # to nobody; or it warns of them
    return Template(
        parameters=made.get("Parameters", {}),
        conditions=made.get("Conditions", {}),
        resources=made["Resources"],
        outputs=made.get("Outputs", {}),
        variables=variables,
    )
