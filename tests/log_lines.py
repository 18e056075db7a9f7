"""Log lines as they are written, for tests to read."""

import json
import logging
from typing import Any

import pytest

from shared import log


def collect(caplog: pytest.LogCaptureFixture) -> None:
    """Collect from now on every line from INFO up, in the product's own format."""
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(log.JsonFormatter())


def collected(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines."""
    return [json.loads(line) for line in caplog.text.splitlines()]
