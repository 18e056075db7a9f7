"""Reading a SAM template."""

from pathlib import Path

import pytest

from local_runner.template import Function, Route, read

TEMPLATE = """
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {Name: !Ref X}}
  First:
    Type: AWS::Serverless::Function
    Properties:
      ImageConfig: {Command: [functions.a.handler]}
      Environment: {Variables: {A: !GetAtt Table.Arn, B: !Join ["", [a, !Ref B]]}}
      Events:
        Call: {Type: HttpApi, Properties: {Method: post, Path: "/a/{id}"}}
        Else: {Type: HttpApi}
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}
"""


def test_reads_functions_and_routes(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    routes = (Route("POST", "/a/{id}"), Route("ANY", "$default"))
    assert read(path) == (Function("First", "functions.a.handler", routes),)


def test_a_route_is_named_as_the_gateway_names_it() -> None:
    assert Route("POST", "/a").key == "POST /a"
    assert Route("ANY", "$default").key == "$default"


def test_runs_no_code_of_a_template(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources: !!python/object/apply:os.system [echo]")
    with pytest.raises(Exception, match="could not determine a constructor"):
        read(path)
