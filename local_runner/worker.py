"""Polls the triggers of the template's functions, one thread each, until it is stopped."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local_runner import functions, metrics
from local_runner.settings import RunnerSettings
from local_runner.supervisor import set_at_end_of_input
from local_runner.template import Function
from local_runner.triggers import Poller, delivery, factory
from shared.app import App
from shared.config import Settings

_GRACE_S = 10.0  # for work in progress; unfinished work is redone after the next start
_NICE = 5  # calls have priority

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    function: str
    poller: Poller
    pause_s: float


def run(
    settings: Settings, runner: RunnerSettings, template: Sequence[Function], *, with_parent: bool
) -> None:
    """Process events until SIGTERM or Ctrl-C; with a parent, until standard input ends.

    The parent holds the other end of standard input, which closes even if the parent is killed with
    kill -9. Ctrl-C reaches both processes and is left to the parent.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if with_parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        set_at_end_of_input(stop)
        os.nice(_NICE)
    else:
        signal.signal(signal.SIGINT, lambda *_: stop.set())
    app = App(metrics.join(settings, runner))
    threads = [
        threading.Thread(target=_keep_polling, args=(job, stop), name=job.function, daemon=True)
        for job in _jobs(template, app, runner)
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    _wait_for(threads)


def _jobs(template: Sequence[Function], app: App, runner: RunnerSettings) -> Iterator[_Job]:
    for function in template:
        invoke = functions.invoker(function.name, function.command, app)
        for trigger in function.triggers:
            poller = factory.build(trigger, app, runner, rule=function.name, invoke=invoke)
            if poller is None:
                _logger.warning("UPLOAD_QUEUE_URL is not set: this worker processes no uploads")
                continue
            _logger.info("trigger", extra={"function": function.name, "trigger": str(trigger)})
            yield _Job(function.name, poller, factory.pause_s(trigger))


def _keep_polling(job: _Job, stop: threading.Event) -> None:
    failures = 0
    while not stop.is_set():
        try:
            pause_s = 0.0 if job.poller.poll() else job.pause_s
            failures = 0
        except Exception:  # a store may be unavailable for a while; the log has the cause
            _logger.exception("the trigger failed", extra={"function": job.function})
            failures += 1
            pause_s = delivery.backoff_s(failures)
        stop.wait(pause_s)


def _wait_for(threads: Sequence[threading.Thread]) -> None:
    """Wait for work in progress; end the process if that takes too long."""
    end = time.monotonic() + _GRACE_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    unfinished = [thread.name for thread in threads if thread.is_alive()]
    if unfinished:
        _logger.warning("ended with unfinished work, which will be redone")
        logging.shutdown()
        os._exit(0)  # no thread may run while the interpreter shuts down
