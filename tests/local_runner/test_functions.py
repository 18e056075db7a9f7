"""Functions that are called by name."""

from pathlib import Path

import pytest

from harness import builders
from local_runner.functions import FunctionError, caller

HANDLERS = "tests.local_runner.triggers.handlers"


def test_a_function_is_invoked_under_an_id_of_its_own(tmp_path: Path) -> None:
    call = caller("Echo", f"{HANDLERS}.tell_context", builders.app(tmp_path))
    first, second = call({}), call({})
    assert first["function"] == "Echo"
    assert first["contextId"] == first["logId"]
    assert first["contextId"] != second["contextId"]


@pytest.mark.parametrize("command", [f"{HANDLERS}.fail", f"{HANDLERS}.none", "no.module.handler"])
def test_a_function_that_cannot_be_called_is_told_with_its_cause(
    tmp_path: Path, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(FunctionError, match="Broken"):
        caller("Broken", command, builders.app(tmp_path))({})
    (record,) = caplog.records
    assert record.getMessage() == "the function failed"
    assert record.exc_info
