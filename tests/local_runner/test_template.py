"""Reading a SAM template."""

from pathlib import Path

import pytest

from local_runner.template import (
    Function,
    QueueTrigger,
    Route,
    ScheduleTrigger,
    StreamTrigger,
    Trigger,
    read,
)

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


def test_reads_functions_their_routes_and_triggers(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    routes = (Route("POST", "/a/{id}"), Route("ANY", "$default"))
    triggers = (ScheduleTrigger(3600),)
    assert read(path) == (Function("First", "functions.a.handler", routes, triggers),)


def function_with(event: str) -> str:
    return f"""
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {{ImageConfig: {{Command: [a.handler]}}, Events: {{E: {event}}}}}
"""


@pytest.mark.parametrize(
    ("event", "trigger"),
    [
        ("{Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}", QueueTrigger("Q", 10)),
        ("{Type: SQS, Properties: {Queue: !GetAtt [Q, Arn], BatchSize: 5}}", QueueTrigger("Q", 5)),
        ('{Type: SQS, Properties: {Queue: {"Fn::GetAtt": [Q, Arn]}}}', QueueTrigger("Q", 10)),
        (
            "{Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn,"
            " StartingPosition: TRIM_HORIZON}}",
            StreamTrigger("T", 100, 0),
        ),
        (
            "{Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn, BatchSize: 500,"
            " MaximumBatchingWindowInSeconds: 5}}",
            StreamTrigger("T", 500, 5),
        ),
        ("{Type: Schedule, Properties: {Schedule: rate(1 minute)}}", ScheduleTrigger(60)),
        ("{Type: Schedule, Properties: {Schedule: rate(2 days)}}", ScheduleTrigger(172_800)),
    ],
)
def test_reads_the_triggers_of_a_function(tmp_path: Path, event: str, trigger: Trigger) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(function_with(event))
    (function,) = read(path)
    assert function.triggers == (trigger,)


@pytest.mark.parametrize("schedule", ["cron(0 1 * * ? *)", "rate(0.5 days)", "rate(1 week)"])
def test_refuses_a_schedule_that_is_not_a_rate(tmp_path: Path, schedule: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(function_with(f'{{Type: Schedule, Properties: {{Schedule: "{schedule}"}}}}'))
    with pytest.raises(ValueError, match="rate"):
        read(path)


def test_a_route_has_the_name_that_the_gateway_gives_it() -> None:
    assert Route("POST", "/a").key == "POST /a"
    assert Route("ANY", "$default").key == "$default"


def test_does_not_run_code_in_a_template(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources: !!python/object/apply:os.system [echo]")
    with pytest.raises(Exception, match="could not determine a constructor"):
        read(path)
