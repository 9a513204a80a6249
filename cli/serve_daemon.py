"""Runs one daemon for the command: signals, the supervisor, the first and last log lines."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from crawler import ConfigError
from crawler.daemon import Daemon, Sources, open_daemon, open_plane
from crawler.daemon.systemd import ALIVE, STOPPING, Notify

from .exit_codes import Exit
from .signals import end_at_once, on_signals, repeating

log = logging.getLogger("crawler.cli")

STATUS_S = 10.0
"""Seconds between two reports of the number of jobs to the supervisor."""


async def serve_daemon(sources: Sources) -> Exit:
    """Runs the daemon until it is asked to stop, and returns the exit code."""
    notify = Notify(os.environ)
    signals = _Signals(notify)
    with signals.heard(), ExitStack() as stack:
        if file := sources.present_file:
            log.info("settings from %s", file)
        async with open_daemon(sources) as daemon:
            signals.daemon = daemon
            _greet(daemon)
            notify.ready()
            stack.enter_context(_keep_supervisor_informed(notify, daemon))  # until the very end: stopping may take long
            await signals.stopped.wait()
            notify.tell(STOPPING)
            log.info("stopping: visits under way may finish, within %g s", daemon.jobs.config.grace_s)
        log.info("stopped; everything is saved, and jobs continue when the daemon is started again")
    return Exit.INTERRUPTED if signals.asked > 1 else Exit.DONE


async def serve_engine(sources: Sources, url: str) -> Exit:
    """Runs a control plane of an engine until it is asked to stop, and returns the exit code."""
    notify = Notify(os.environ)
    signals = _Signals(notify)
    with signals.heard():
        async with open_plane(sources, url) as plane:
            log.info("listening at %s; clients need the token in %s", plane.listening.url, plane.token_file)
            log.info("jobs are crawls in %s; start nodes that run them: crawl work --engine URL", plane.place)
            notify.ready()
            with repeating(min(STATUS_S, notify.every_s or STATUS_S), lambda: notify.tell(ALIVE)):
                await signals.stopped.wait()
            notify.tell(STOPPING)
        log.info("stopped; the jobs stay in the engine, and its nodes go on")
    return Exit.DONE


def _greet(daemon: Daemon) -> None:
    """Prints the address with the token on a terminal only: other people read logs."""
    url = daemon.listening.url
    log.info("listening at %s; clients need the token in %s", url, daemon.token_file)
    if sys.stderr.isatty() and url.startswith("http"):
        print(f"\n  dashboard: {url}/#token={daemon.token.text}\n", file=sys.stderr)


class _Signals:
    """The first SIGTERM or SIGINT stops, the second drops visits under way, the third ends the process."""

    def __init__(self, notify: Notify) -> None:
        self.stopped = asyncio.Event()
        self.asked = 0
        self.daemon: Daemon | None = None
        self._notify = notify

    @contextmanager
    def heard(self) -> Iterator[None]:
        acts = {signal.SIGTERM: self._stop, signal.SIGINT: self._stop, signal.SIGHUP: self._reload}
        with on_signals(acts, heeds_ignored=False):
            yield

    def _stop(self) -> None:
        self.asked += 1
        self.stopped.set()
        if self.asked == 2 and self.daemon is not None:
            log.warning("stopping at once; visits under way will be made again")
            self.daemon.jobs.hurry()
        elif self.asked > 2:
            end_at_once()

    def _reload(self) -> None:
        if self.daemon is None or self.stopped.is_set():
            return
        self._notify.reloading()
        try:
            self.daemon.reload()
        except ConfigError:  # it was logged
            pass
        self._notify.ready()


@contextmanager
def _keep_supervisor_informed(notify: Notify, daemon: Daemon) -> Iterator[None]:
    """Tells the supervisor regularly, while the block lasts, that the loop runs and how many jobs there are."""

    def tell() -> None:
        notify.tell(ALIVE, _status(daemon))

    tell()
    with repeating(min(STATUS_S, notify.every_s or STATUS_S), tell):
        yield


def _status(daemon: Daemon) -> str:
    numbers = daemon.jobs.numbers()
    return f"STATUS={', '.join(f'{n} {state}' for state, n in numbers.items() if n) or 'no jobs'}"
