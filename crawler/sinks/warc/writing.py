"""Archives every exchange of a crawl in WARC files, in threads beside the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ...errors import SinkError, StorageFull
from ...model import Capture, CrawlInfo, Outcome, Position, Response
from ...runtime.files import is_full
from ...runtime.private_files import make_inner_folder
from ...runtime.threads import run_in_thread
from ...runtime.times import iso
from ...settings.warc import WarcConfig
from ...warc.records import make_warcinfo
from .captures import Captures
from .exchanges import ROBOTS_BYTES, Terms, describe_robots, describe_visit, keep_exchange
from .files import WarcFiles

T = TypeVar("T")

INDEX = "captures.sqlite"


class WarcSink:
    """Implements Sink, Archive, Observer and PerCrawl over the WARC files in a folder.

    `place` appends the records, and `write` makes them durable: so other sinks can name their places, and write at the
    same time.
    """

    def __init__(self, name: str, folder: Path, settings: WarcConfig, *, is_synced: bool) -> None:
        self.name = name
        self._folder = folder
        self._settings = settings
        self._terms = Terms(settings.digest, settings.whole_requests)
        self._is_synced = is_synced
        self._crawl: CrawlInfo | None = None
        self._files: WarcFiles | None = None
        self._captures: Captures | None = None
        self._writing = asyncio.Lock()
        """Held while a thread writes: the answers for robots.txt come beside the others."""

    async def begin_crawl(self, crawl: CrawlInfo) -> None:
        self._crawl = crawl

    async def rewind(self, position: Position | None) -> None:
        async with self._writing:
            await _off_loop(self._cut_back, position or {})

    async def place(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Appends the records of all outcomes that have an answer; returns the outcomes with their places."""
        if not any(outcome.response for outcome in outcomes):
            return outcomes
        async with self._writing:
            places = await _off_loop(self._keep, outcomes)
        return [replace(one, capture=place) if place else one for one, place in zip(outcomes, places, strict=True)]

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        await self.place([outcome for outcome in outcomes if outcome.capture is None])
        async with self._writing:
            files = self._opened_files
            return await _off_loop(self._sync) if files.has_news else files.position

    async def observe(self, response: Response) -> None:
        """Appends the records of an answer for robots.txt. They are settled with the visits that waited for it."""
        async with self._writing:
            await _off_loop(self._keep_robots, response)

    async def close(self) -> None:
        """Gives the last file its final name. Call it once, after all others."""
        async with self._writing:
            await _off_loop(self._close)

    # -- in a thread -------------------------------------------------------------------------------------------------

    def _cut_back(self, position: Position) -> None:
        crawl_id = self._crawl.id if self._crawl else "0" * 32
        settings = self._settings
        self._files = files = WarcFiles(
            self._folder,
            settings.prefix,
            crawl_id,
            settings.max_file_bytes,
            self._make_first,
            is_synced=self._is_synced,
        )
        files.cut_back(position)
        if (self._folder / INDEX).exists():
            self._opened_captures.cut_back(files.serial, files.length)

    def _keep(self, outcomes: Sequence[Outcome]) -> list[Capture | None]:
        return [self._keep_one(outcome) for outcome in outcomes]

    def _keep_one(self, outcome: Outcome) -> Capture | None:
        if outcome.response is None:
            return None
        return keep_exchange(
            outcome.response,
            outcome.request,
            describe_visit(outcome),
            self._terms,
            self._opened_files,
            self._opened_captures,
        )

    def _keep_robots(self, response: Response) -> None:
        is_cut = len(response.body) >= ROBOTS_BYTES
        whole = replace(response, truncated="length") if is_cut else response
        fields = describe_robots(response)
        keep_exchange(whole, None, fields, self._terms, self._opened_files, self._opened_captures)

    def _sync(self) -> Position:
        if self._captures:
            self._captures.commit()
        return self._opened_files.sync()

    def _close(self) -> None:
        if self._captures:
            self._captures.close()
            self._captures = None
        if self._files:
            self._files.close()

    def _make_first(self, name: str) -> bytes:
        return make_warcinfo(name, iso(time.time(), "milliseconds"), self._describe_crawl()).member

    def _describe_crawl(self) -> list[tuple[str, str]]:
        crawl = self._crawl
        if crawl is None:
            return []
        return [
            ("software", crawl.software),
            ("operator", crawl.contact),
            ("robots", crawl.robots),
            ("http-header-user-agent", crawl.user_agent),
            ("isPartOf", crawl.folder.name if crawl.folder else ""),
            ("crawl-id", crawl.id),
            ("settings-digest", crawl.settings_digest),
        ]

    @property
    def _opened_files(self) -> WarcFiles:
        if self._files is None:
            raise SinkError(f"the sink {self.name!r} is not open: call rewind before")
        return self._files

    @property
    def _opened_captures(self) -> Captures:
        if self._captures is None:
            make_inner_folder(self._folder)
            self._captures = Captures(self._folder / INDEX)
        return self._captures


async def _off_loop(work: Callable[..., T], *args: object) -> T:
    """Runs disk work in a thread. Raises StorageFull for a full disk, SinkError for other failures."""
    try:
        return await run_in_thread(work, *args)
    except OSError as error:
        if is_full(error):
            raise StorageFull(
                f"no space left where the crawl writes its WARC files ({error.filename or 'disk'})"
            ) from error
        raise SinkError(f"WARC files cannot be written: {error}") from error
