"""`crawl serve`: the daemon in a process of its own; its signals, its supervisor, its first and last words."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler.errors import ConfigError, CrawlError

from . import values
from .exits import Exit, exit_code_of
from .log import logging_lines

if TYPE_CHECKING:
    from crawler.daemon.life import Daemon, Sources
    from crawler.daemon.notify import Notify

log = logging.getLogger("crawler.cli")

STATUS_S = 10.0
"""How often a supervisor is told how many jobs there are."""


def serve(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of all jobs. [default: crawld-data]")
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="0: any that is free. [default: 7878]")] = None,
    socket: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A unix socket instead of address and port.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What clients show. [default: DIR/token, made if missing]")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML; [daemon] is our own.")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name that clients call us by. Repeatable.")
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow jobs a private network, such as 127.0.0.0/8. Repeatable."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting that all jobs begin with. Repeatable."),
    ] = None,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Log objects of JSON, one a line.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log nothing but warnings and errors.")] = False,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Log more.")] = 0,
) -> None:
    """Run many crawls in one long life, with an HTTP API and a dashboard.

    SIGTERM and Ctrl-C stop it: what is in hand is finished, everything goes on when it is started again. SIGHUP reads
    the settings anew.
    """
    from crawler.daemon.life import Sources

    from .process import prepare_workers, run_loop

    chosen: dict[str, object] = {
        "data": None if data is None else str(data),
        "host": host,
        "port": port,
        "socket": None if socket is None else str(socket.absolute()),
        "token_file": None if token_file is None else str(token_file),
        "allowed_hosts": tuple(allow_host) if allow_host else None,
    }
    settings = dict[str, object](values.setting(text) for text in set_ or ())
    if allow_network:
        settings["allow_networks"] = allow_network
    sources = Sources(
        config, dict(os.environ), {name: value for name, value in chosen.items() if value is not None}, settings
    )
    _, base = sources.load()  # what can be refused is refused before anything starts
    prepare_workers(base.offload.executor)
    level = logging.WARNING if quiet else logging.DEBUG if verbose > 1 else logging.INFO
    with logging_lines(level, is_json=json_logs):
        try:
            code = run_loop(lambda: _serve(sources))
        except CrawlError as error:
            if not json_logs:
                raise
            log.error(error)
            code = exit_code_of(error) or Exit.ERROR
    raise typer.Exit(code)


async def _serve(sources: Sources) -> Exit:
    from crawler.daemon.life import open_daemon
    from crawler.daemon.notify import STOPPING, Notify

    notify = Notify(os.environ)
    signals = _Signals(notify)
    with signals.heard(), ExitStack() as stack:
        async with open_daemon(sources) as daemon:
            signals.daemon = daemon
            _greet(daemon)
            notify.ready()
            stack.enter_context(_every(notify, daemon))  # to the last moment: coming to rest may take long
            await signals.stopped.wait()
            notify.tell(STOPPING)
            log.info("stopping: what is in hand is finished, within %g s", daemon.jobs.config.grace_s)
        log.info("stopped; everything is saved, and goes on when the daemon is started again")
    return Exit.INTERRUPTED if signals.asked > 1 else Exit.DONE


def _greet(daemon: Daemon) -> None:
    """The address with the token in it is for the eyes before a terminal: a log is read by others."""
    url = daemon.listening.url
    log.info("listening at %s; clients show the token in %s", url, daemon.token_file)
    if sys.stderr.isatty() and url.startswith("http"):
        print(f"\n  dashboard: {url}/#token={daemon.token.text}\n", file=sys.stderr)


class _Signals:
    """The first SIGTERM or SIGINT stops, the second drops what is in hand, the third ends the process."""

    def __init__(self, notify: Notify) -> None:
        self.stopped = asyncio.Event()
        self.asked = 0
        self.daemon: Daemon | None = None
        self._notify = notify

    @contextmanager
    def heard(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        acts = {signal.SIGTERM: self._stop, signal.SIGINT: self._stop, signal.SIGHUP: self._reload}
        for number, act in acts.items():
            loop.add_signal_handler(number, act)
        try:
            yield
        finally:
            for number in acts:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.asked += 1
        self.stopped.set()
        if self.asked == 2 and self.daemon is not None:
            log.warning("leaving now; what was in hand will be fetched again")
            self.daemon.jobs.hurry()
        elif self.asked > 2:  # kill -9 loses nothing either
            os._exit(Exit.INTERRUPTED)

    def _reload(self) -> None:
        if self.daemon is None or self.stopped.is_set():
            return
        self._notify.reloading()
        try:
            self.daemon.reload()
        except ConfigError:  # it is in the log
            pass
        self._notify.ready()


@contextmanager
def _every(notify: Notify, daemon: Daemon) -> Iterator[None]:
    """Tells the supervisor, as long as the loop turns, that it does and how it goes."""
    loop = asyncio.get_running_loop()
    pause_s = min(STATUS_S, notify.every_s or STATUS_S)
    timer: list[asyncio.TimerHandle] = []

    from crawler.daemon.notify import ALIVE

    def tell() -> None:
        timer[:] = [loop.call_later(pause_s, tell)]
        notify.tell(ALIVE, _status(daemon))

    tell()
    try:
        yield
    finally:
        timer[0].cancel()


def _status(daemon: Daemon) -> str:
    numbers = daemon.jobs.numbers()
    return f"STATUS={', '.join(f'{n} {state}' for state, n in numbers.items() if n) or 'no jobs'}"
