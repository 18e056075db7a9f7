"""Functions invoked by name."""

from pathlib import Path

import pytest

from harness import builders
from local_runner.functions import FunctionError, invoker

HANDLERS = "tests.local_runner.triggers.handlers"


def test_each_invocation_has_its_own_id(tmp_path: Path) -> None:
    invoke = invoker("Echo", f"{HANDLERS}.tell_context", builders.app(tmp_path))
    first, second = invoke({}), invoke({})
    assert first["function"] == "Echo"
    assert first["contextId"] == first["logId"]
    assert first["contextId"] != second["contextId"]


@pytest.mark.parametrize("command", [f"{HANDLERS}.fail", f"{HANDLERS}.none", "no.module.handler"])
def test_a_function_that_cannot_be_invoked_is_logged_with_its_cause(
    tmp_path: Path, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(FunctionError, match="Broken"):
        invoker("Broken", command, builders.app(tmp_path))({})
    (record,) = caplog.records
    assert record.getMessage() == "the function failed"
    assert record.exc_info
