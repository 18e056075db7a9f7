"""template.yaml and the code agree."""

import re
from pathlib import Path

import pytest

from harness import builders
from local_runner import functions, template
from local_runner.settings import RunnerSettings
from local_runner.triggers import factory
from shared.config import ROOT, SettingError, Settings
from shared.core.uploads import processing
from shared.events.s3 import MAX_DELIVERIES

FUNCTIONS = template.read()
OF_LIBRARIES = {"ORT_DISABLE_TELEMETRY"}  # variables that libraries read, and we do not


def deployed_modules() -> set[str]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts) + ".handler"
        for path in (ROOT / "functions").rglob("*.py")
        if not path.name.startswith("_")
    }


def test_every_handler_is_in_the_template_and_the_other_way_round() -> None:
    assert {function.command for function in FUNCTIONS} == deployed_modules()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_command_is_a_handler(function: template.Function) -> None:
    assert callable(functions.load(function.command))


@pytest.mark.parametrize(
    ("function", "trigger"),
    [(function, trigger) for function in FUNCTIONS for trigger in function.triggers],
    ids=lambda value: getattr(value, "name", type(value).__name__),
)
def test_the_local_runner_fires_every_trigger(
    function: template.Function, trigger: template.Trigger, tmp_path: Path
) -> None:
    app = builders.app(tmp_path)
    runner = RunnerSettings.from_environment({})
    invoke = functions.invoker(function.name, function.command, app)
    assert factory.build(trigger, app, runner, rule=function.name, invoke=invoke) is not None


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_function_is_an_image_with_a_route_or_a_trigger(function: template.Function) -> None:
    properties = template.resource_properties(function.name)
    assert properties["PackageType"] == "Image"
    assert bool(function.routes) != bool(function.triggers)


def test_only_failed_uploads_are_redelivered_and_then_put_aside() -> None:
    function = template.resource_properties("DeidentifyUploadFunction")
    source = function["Events"]["Upload"]["Properties"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = template.resource_properties("UploadQueue")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == "UploadDeadLetterQueue.Arn"
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_DELIVERIES


def test_the_timeout_covers_every_attempt_at_every_upload_of_a_batch() -> None:
    function = template.resource_properties("DeidentifyUploadFunction")
    batch = function["Events"]["Upload"]["Properties"]["BatchSize"]
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    timeout = re.search(r'ANALYSIS_TIMEOUT_S: "(\d+)"', text)
    assert timeout
    assert function["Timeout"] >= batch * processing.ATTEMPTS * int(timeout.group(1))


def test_only_the_accounts_inbox_may_send_to_the_upload_queue() -> None:
    policy = template.resource_properties("UploadQueuePolicy")["PolicyDocument"]
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    name = template.resource_properties("InboxBucket")["BucketName"]
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(f":s3:::{name}")
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "AWS::AccountId"}


def test_routes_are_unique() -> None:
    keys = [route.key for function in FUNCTIONS for route in function.routes]
    assert len(keys) == len(set(keys))


def test_every_environment_variable_is_a_setting() -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    block = re.search(r"Variables:\n((?: {8}\S.*\n)+)", text)
    assert block
    names = re.findall(r"^ {8}(\w+):", block.group(1), re.MULTILINE)
    ours = set(names) - OF_LIBRARIES
    assert {name.lower() for name in ours} <= set(Settings.__dataclass_fields__)
    assert {"BACKEND", "KEY_SECRET", "KEYS_TABLE"} <= set(names)


# Setting a variable for a library is not reading: `shared/__init__.py` does that.
READING = r"os\.getenv|os\.environ(?!\[\S+\] = |\.setdefault\()"


def test_only_config_reads_the_environment() -> None:
    readers = [
        path
        for folder in ("functions", "shared", "local_runner", "tools", "benchmarks", "harness")
        for path in Path(ROOT, folder).rglob("*.py")
        if re.search(READING, path.read_text(encoding="utf-8"))
    ]
    of_coverage = ROOT / "harness" / "processes.py"  # passes on what `make coverage` sets
    assert readers == [ROOT / "shared" / "config.py", of_coverage]


def test_only_functions_with_callers_get_the_secret_of_their_keys() -> None:
    def environment(name: str) -> dict[str, str]:
        properties = template.resource_properties(name)
        return dict(properties.get("Environment", {}).get("Variables", {}))

    given = {f.name for f in FUNCTIONS if environment(f.name).get("KEY_SECRET") != ""}
    with_callers = {f.name for f in FUNCTIONS if f.routes}
    assert given == with_callers
    assert 0 < len(with_callers) < len(FUNCTIONS)


def test_the_stream_needs_its_table_by_name(tmp_path: Path) -> None:
    app = builders.app(tmp_path, BACKEND="aws")
    runner = RunnerSettings.from_environment({})
    (changes,) = [t for f in FUNCTIONS for t in f.triggers if isinstance(t, template.StreamTrigger)]
    with pytest.raises(SettingError, match="FACES_TABLE must be set with BACKEND=aws"):
        factory.build(changes, app, runner, rule="r", invoke=lambda event: {})
