"""How commands refuse a call."""

from harness.command_line import Finished


def assert_refused(finished: Finished, status: int, *words: str) -> None:
    """Check that a command explains what is wrong, without a traceback."""
    assert finished.returncode == status, finished.stderr
    assert "Traceback" not in finished.stderr
    for word in words:
        assert word in finished.stderr
