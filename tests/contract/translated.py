"""template.yaml as AWS understands it: without the short forms of SAM."""

from functools import cache
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local_runner.template import TEMPLATE


@cache
def template() -> dict[str, Any]:
    """Return the template of CloudFormation that AWS makes of template.yaml."""
    source = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["ImageUri"] = "image:latest"  # `sam build` fills it in
    session = boto3.Session(region_name="ap-northeast-2")
    translator = Translator({}, Parser(), boto_session=session)
    made: dict[str, Any] = translator.translate(source, parameter_values={})
    translator.metrics.publish()  # to nobody; otherwise it warns of them
    return made
