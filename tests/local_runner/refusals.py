"""What a command that refuses must look like."""

from harness.command_line import Finished


def assert_refused(finished: Finished, status: int, *words: str) -> None:
    """Check that a command said what is wrong, without a traceback."""
    assert finished.returncode == status, finished.stderr
    assert "Traceback" not in finished.stderr
    for word in words:
        assert word in finished.stderr
