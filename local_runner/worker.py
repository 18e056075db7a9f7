"""Fires the triggers of the template's functions: one thread each, until it is told to end."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local_runner import functions, metrics
from local_runner.settings import RunnerSettings
from local_runner.supervisor import wait_for_end_of_input
from local_runner.template import Function
from local_runner.triggers import Trigger, delivery, factory
from shared.app import App
from shared.config import Settings

_GRACE_S = 10.0  # for what is under way; it is done again after the next start
_NICE = 5  # callers come first

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    name: str
    trigger: Trigger
    pause_s: float


def run(
    settings: Settings, runner: RunnerSettings, template: Sequence[Function], *, with_parent: bool
) -> None:
    """Fire events until SIGTERM or Ctrl-C; with a parent until standard input ends.

    A parent holds the other end of standard input, which also a kill -9 of it closes. Ctrl-C
    reaches both, and is the parent's to obey.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if with_parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
        os.nice(_NICE)
    else:
        signal.signal(signal.SIGINT, lambda *_: stop.set())
    app = App(metrics.join(settings, runner))
    threads = [
        threading.Thread(target=_keep_polling, args=(work, stop), name=work.name, daemon=True)
        for work in _all_work(template, app, runner)
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    _end(threads)


def _all_work(template: Sequence[Function], app: App, runner: RunnerSettings) -> Iterator[_Work]:
    for function in template:
        call = functions.caller(function.name, function.command, app)
        for wanted in function.triggers:
            trigger = factory.build(wanted, app, runner, rule=function.name, call=call)
            if trigger is None:
                _logger.warning("UPLOAD_QUEUE_URL is not set: no uploads are processed here")
                continue
            _logger.info("trigger", extra={"function": function.name, "trigger": str(wanted)})
            yield _Work(function.name, trigger, factory.pause_s(wanted))


def _keep_polling(work: _Work, stop: threading.Event) -> None:
    failures = 0
    while not stop.is_set():
        try:
            pause_s = 0.0 if work.trigger.poll() else work.pause_s
            failures = 0
        except Exception:  # a store may be away for a while, the log has the cause
            _logger.exception("the trigger failed", extra={"function": work.name})
            failures += 1
            pause_s = delivery.pause_s(failures)
        stop.wait(pause_s)


def _stop_with_parent(stop: threading.Event) -> None:
    wait_for_end_of_input()
    stop.set()


def _end(threads: Sequence[threading.Thread]) -> None:
    """End, with what is under way unfinished if it takes too long."""
    end = time.monotonic() + _GRACE_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    unfinished = [thread.name for thread in threads if thread.is_alive()]
    if unfinished:
        _logger.warning("ended in the middle of work, which will be done again")
        logging.shutdown()
        os._exit(0)  # no thread of theirs may run while the interpreter is taken down
