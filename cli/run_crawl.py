"""Runs one crawl for the command: signals, the view, the summary."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from crawler import (
    Config,
    Crawl,
    Folder,
    ReaderGone,
    Request,
    SeedError,
    Trust,
    Url,
    Wants,
    escape_text,
    open_crawl,
    seeds,
)
from crawler.dataclass import dataclass

from . import show
from .exit_codes import Exit, exit_code
from .log import log, log_to_file
from .output import BadSeeds, StandardOutput
from .panel import View, open_view
from .reports_view import full_lines
from .signals import end_at_once, on_signals, repeating
from .stderr import tell_line
from .summary import summary_lines
from .values import Share

if TYPE_CHECKING:
    from crawler import Reason, Sink, Snapshot

ALL = "all"
WATCHED_S = 0.25


@dataclass(frozen=True, slots=True)
class CrawlOrder:
    """The crawl that the command line asks for."""

    config: Config
    sources: Sequence[str]
    folder: Path
    command: Sequence[str]
    """The arguments as they were typed, to print the command that continues."""
    column: str | None = None
    keep_columns: bool = False
    fresh: bool = False
    strict: bool = False
    fail_on: tuple[Share, ...] = ()
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    retry: tuple[Reason, ...] = ()
    """URLs that failed for these reasons are tried again."""
    unpark: tuple[str, ...] = ()
    """Parked patterns to fetch; `all` stands for every one."""
    takes_archived: bool = False
    """Each document of the archives is a seed."""
    trust: Trust = field(default_factory=Trust)
    is_announced: bool = False
    """The name of the folder stands on the terminal already."""
    report: bool = False
    """The whole report stands below the summary."""
    watch: Callable[[Snapshot], None] | None = None
    """Called with how it goes, again and again."""


async def run_crawl(job: CrawlOrder) -> Exit:
    """Runs one crawl, from opening its folder to printing the summary. Returns the exit code."""
    with open_view(str(job.folder), quiet=job.quiet, is_live=_may_draw(job)) as view:
        try:
            with _Signals(view.tell).on_signals() as hands:
                code, last_words = await _run(job, view, hands)
        except ReaderGone:
            return Exit.INTERRUPTED
        except _NothingBegan as error:
            error.folder.discard()
            raise
    for line in () if job.quiet else last_words:
        tell_line(line)
    return code


async def _run(job: CrawlOrder, view: View, hands: _Signals) -> tuple[Exit, list[str]]:
    async with open_crawl(job.config, folder=job.folder, fresh=job.fresh, sinks=_sinks(job), trust=job.trust) as crawl:
        hands.hold(crawl)
        assert crawl.folder is not None
        bad = BadSeeds(crawl.folder.bad_seeds_path, strict=job.strict)
        with log_to_file(crawl.folder.log_path, view.tell, job.verbose):
            counts = crawl.snapshot().counts
            unpark_all = ALL in job.unpark
            named = () if unpark_all else job.unpark
            found = await crawl.reconsider(retry=job.retry, unpark=named, unpark_all=unpark_all)
            for line in [
                *show.start_lines(crawl.folder, counts),
                *show.lost_record_lines(crawl.lost),
                *show.second_look_lines(found, named),
                *show.archive_lines(crawl.archives),
            ]:
                if not (job.is_announced and line == show.first_line(crawl.folder)):
                    view.tell(line)
                log.info(line)
            try:
                with repeating(view.every_s, lambda: view.refresh(crawl.snapshot())), _watching(job, crawl):
                    summary = await crawl.run(_find_seeds(job, crawl, bad, view))
            except SeedError as error:
                if crawl.folder.is_new and not bad.count and not crawl.snapshot().counts.known:
                    raise _NothingBegan(str(error), crawl.folder) from error
                raise
            last_words = summary_lines(summary, crawl.folder, job.command, bad.count)
            last_words += [f"  {note}" for note in crawl.archives.notes] if crawl.archives else []
            for line in last_words:
                log.info(line)
        if job.report and not job.quiet:
            last_words += await _report_lines(crawl.folder)
        return exit_code(summary, job.fail_on), last_words


@contextmanager
def _watching(job: CrawlOrder, crawl: Crawl) -> Iterator[None]:
    """Lets the watch of an order see how it goes while the block lasts."""
    watch = job.watch
    with nullcontext() if watch is None else repeating(WATCHED_S, lambda: watch(crawl.snapshot())):
        yield


async def _report_lines(folder: Folder) -> list[str]:
    """Counts all records of the folder, in a thread; the folder keeps the count."""
    from crawler import read_report

    counted = await asyncio.to_thread(read_report, folder, keep=True)
    return ["", *full_lines([counted.record()])] if counted else []


def _find_seeds(job: CrawlOrder, crawl: Crawl, bad: BadSeeds, view: View) -> Iterable[str | Url | Request]:
    if job.takes_archived and crawl.archives:
        return crawl.archives.documents()
    assert crawl.folder is not None
    return _read(job, bad, _teller(view, crawl.folder)) if job.sources else ()


def _read(job: CrawlOrder, bad: BadSeeds, on_taken: seeds.OnTaken) -> Iterator[Url | Request]:
    read = seeds.read_requests if job.keep_columns else seeds.read
    return read(job.sources, bad, column=job.column, on_taken=on_taken)


def _teller(view: View, folder: Folder) -> seeds.OnTaken:
    """Returns a function that prints what kind of list was read. It may be called from the thread that reads seeds."""
    loop = asyncio.get_running_loop()

    def tell(line: str) -> None:
        view.tell(line)
        log.info(line)

    def on_taken(taken: seeds.Taken) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, escape_text(taken.line(folder.bad_seeds_path.name)))

    return on_taken


class _NothingBegan(SeedError):
    """There was no usable seed: the new crawl folder is empty and is removed."""

    def __init__(self, message: str, folder: Folder) -> None:
        super().__init__(message)
        self.folder = folder


def _sinks(job: CrawlOrder) -> list[Sink]:
    sinks = job.config.sinks
    wants = Wants(*(any(getattr(sink, one.name) for sink in sinks) for one in fields(Wants)))
    return [StandardOutput(wants)] if job.json else []


def _may_draw(job: CrawlOrder) -> bool:
    """Whether standard error is a terminal, and records do not go to the same terminal."""
    is_shared = job.json and sys.stdout.isatty()
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not is_shared


class _Signals:
    """Handles signals: the first stops, the second aborts, the third ends the process. None of them loses a page."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._crawl: Crawl | None = None
        self._asked = 0

    @contextmanager
    def on_signals(self) -> Iterator[_Signals]:
        acts = {signal.SIGINT: self._interrupt, signal.SIGTERM: self._stop, signal.SIGHUP: self._stop}
        with on_signals(acts, heeds_ignored=True):
            yield self

    def hold(self, crawl: Crawl) -> None:
        """Sets the crawl that signals stop. A signal that came while it was being opened stops it now."""
        self._crawl = crawl
        if self._asked:
            crawl.stop()

    def _interrupt(self) -> None:
        if self._asked == 0:
            self._stop()
        elif self._asked == 1 and self._crawl is not None:
            self._asked += 1
            self._tell("stopping at once; pages under way will be fetched again")
            self._crawl.abort()
        else:
            end_at_once()

    def _stop(self) -> None:
        self._asked = max(self._asked, 1)
        self._tell("finishing pages under way, for half a minute at most; Ctrl-C again stops at once")
        if self._crawl is not None:
            self._crawl.stop()
