"""The worker process, and its supervisor, as real processes."""

import os
import signal
from pathlib import Path

import pytest

from harness.command_line import Process, started
from harness.processes import TIMEOUT_S, wait_for
from tests.local_runner.workers import running
from tests.shared.storage.stores import sqlite_store


def worker_of(supervisor: Process) -> int:
    (pid,) = wait_for(lambda: supervisor.running("--with-parent"))
    return pid


def test_handles_files_changes_and_schedules(tmp_path: Path) -> None:
    with running(tmp_path) as worker:
        worker.put("a.jpg", b"12345")
        store = sqlite_store(worker.data)
        group = store.create()
        store.add(group, 1)
        wait_for((worker.outbox / "a.jpg.size").exists)
        assert (worker.outbox / "a.jpg.size").read_text() == "5"
        wait_for((worker.outbox / "changed" / group.generation).exists)
        wait_for((worker.outbox / "ticked").exists)
        wait_for(lambda: not (worker.data / "inbox" / "a.jpg").exists())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ends_on_a_signal(tmp_path: Path, how: signal.Signals) -> None:
    with running(tmp_path) as worker:
        worker.process.popen.send_signal(how)
        assert worker.process.popen.wait(TIMEOUT_S) == 0


def test_with_a_parent_ignores_ctrl_c_and_ends_with_its_input(tmp_path: Path) -> None:
    with running(tmp_path, "with parent") as worker:
        worker.process.popen.send_signal(signal.SIGINT)
        worker.put("a.jpg", b"1")
        wait_for(worker.sizes)
        worker.process.end_input()
        assert worker.process.popen.wait(TIMEOUT_S) == 0


def test_finishes_after_a_restart_what_it_was_doing_when_it_was_killed(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as worker:
        for number in range(20):
            worker.put(f"{number}.jpg", b"x")
        wait_for(worker.sizes)
        worker.process.popen.kill()
    with running(tmp_path) as worker:
        wait_for(lambda: len(worker.sizes()) == 20)


def test_two_workers_at_once_lose_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as worker, running(tmp_path):
        for number in range(40):
            worker.put(f"{number}.jpg", b"x" * number)
        wait_for(lambda: not list((worker.data / "inbox").glob("*.jpg")))
        contents = {path.name: path.read_text() for path in worker.sizes()}
        assert contents == {f"{number}.jpg.size": str(number) for number in range(40)}


def test_a_supervisor_replaces_a_dead_worker(tmp_path: Path) -> None:
    with started(tmp_path, "-m", "local_runner.supervisor") as supervisor:
        first = worker_of(supervisor)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: supervisor.said("another is started"))
        assert worker_of(supervisor) != first
        supervisor.end_input()
        assert supervisor.popen.wait(TIMEOUT_S) == 0
        assert supervisor.running() == []


def test_a_worker_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    with started(tmp_path, "-m", "local_runner.supervisor") as supervisor:
        worker_of(supervisor)
        supervisor.popen.kill()
        wait_for(lambda: supervisor.running() == [])
