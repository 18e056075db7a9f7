"""Connections to one file: how processes open it at once."""

import subprocess
import sys
from pathlib import Path

from harness.processes import TIMEOUT_S
from shared.config import ROOT

FOLDERS = 200
OPENER = f"""
import sys
from pathlib import Path
from shared.storage.local.database import Database

print("ready", flush=True)
sys.stdin.readline()
for number in range({FOLDERS}):
    Database(Path(sys.argv[1], str(number)))
print("opened", flush=True)
"""


def test_processes_that_create_a_database_at_once_wait_for_each_other(tmp_path: Path) -> None:
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, tmp_path],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for opener in openers:
        assert opener.stdout
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin
        opener.stdin.write("go\n")
        opener.stdin.flush()
    printed = [opener.communicate(timeout=TIMEOUT_S)[0] for opener in openers]
    assert printed == ["opened\n"] * 4
