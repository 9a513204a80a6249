"""Archives every exchange of a crawl in WARC files, in threads beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ...errors import SinkError, StorageFull
from ...model import Capture, CrawlInfo, Outcome, Position, Reason, Response
from ...runtime.clock import wall
from ...runtime.files import is_full
from ...runtime.private_files import make_inner_folder
from ...runtime.threads import run_in_thread
from ...runtime.times import iso
from ...settings.warc import WarcConfig
from ...warc.earlier import open_earlier
from ...warc.records import make_warcinfo
from .captures import Captures
from .exchanges import ROBOTS_BYTES, Seen, Terms, describe_aside, describe_visit, keep_exchanges
from .files import WarcFiles
from .index import CaptureIndex

T = TypeVar("T")

INDEX = "captures.sqlite"
MOST_WAITING_BYTES = 1 << 20
"""Bytes of answers without an outcome that may wait in memory."""
AT_ONCE = 64
"""Answers whose records are made together: more gain nothing."""


class WarcSink:
    """Implements Sink, Archive, Observer and PerCrawl over the WARC files in a folder.

    `archive` appends the records, and `write` makes them durable. So other sinks can name their places, and write at
    the same time.
    """

    def __init__(self, name: str, folder: Path, settings: WarcConfig) -> None:
        self.name = name
        self._folder = folder
        self._settings = settings
        self._terms = Terms(settings.digest, settings.whole_requests)
        self._crawl: CrawlInfo | None = None
        self._files: WarcFiles | None = None
        self._captures: Captures | None = None
        self._waiting: list[Seen] = []
        """Answers without an outcome that are not written yet. They need not be there before the visits are."""
        self._waiting_bytes = 0
        self._index = CaptureIndex(folder)
        self._position: Position = {}
        self._writing = asyncio.Lock()
        """Held while a thread writes: too many answers without an outcome are written beside the others."""

    async def begin_crawl(self, crawl: CrawlInfo) -> None:
        self._crawl = crawl

    async def rewind(self, position: Position | None) -> None:
        async with self._writing:
            await _off_loop(self._cut_back, position or {})

    async def archive(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Appends the records of all outcomes that have an answer; returns the outcomes with their places."""
        if not self._waiting and not any(map(_has_answer, outcomes)):
            return outcomes
        async with self._writing:
            places = await _off_loop(self._keep, self._take_waiting(), outcomes)
        return [replace(one, capture=place) if place else one for one, place in zip(outcomes, places, strict=True)]

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        await self.archive([outcome for outcome in outcomes if outcome.capture is None])
        async with self._writing:
            return await _off_loop(self._sync) if self._opened_files.has_news else self._position

    async def observe(self, response: Response) -> None:
        """Takes an answer that brings no outcome. It is written and settled with the visits that waited for it."""
        is_cut = not response.aside and len(response.body) >= ROBOTS_BYTES
        whole = replace(response, truncated="length") if is_cut else response
        self._waiting.append(Seen(whole, None, describe_aside(response)))
        self._waiting_bytes += len(response.body)
        if self._waiting_bytes > MOST_WAITING_BYTES:
            await self.archive([])

    async def close(self) -> None:
        """Gives the last file its final name. Call it once, after all others."""
        async with self._writing:
            await _off_loop(self._close)

    def _take_waiting(self) -> Sequence[Seen]:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return waiting

    # -- in a thread -------------------------------------------------------------------------------------------------

    def _cut_back(self, position: Position) -> None:
        crawl_id = self._crawl.writer_id if self._crawl else "0" * 32
        settings = self._settings
        self._files = files = WarcFiles(
            self._folder,
            settings.prefix,
            crawl_id,
            settings.max_file_bytes,
            self._make_first,
        )
        files.cut_back(position)
        self._index.cut_back(position)
        self._position = position
        if (self._folder / INDEX).exists() or settings.dedupe_with:  # a source that cannot be read is told at once
            self._opened_captures.cut_back(files.serial, files.length)

    def _keep(self, waiting: Sequence[Seen], outcomes: Sequence[Outcome]) -> list[Capture | None]:
        """Appends the answers that wait, then those of outcomes; returns the places of the latter."""
        seen = [
            *waiting,
            *[Seen(r, o.request, describe_visit(o)) for o in outcomes if _has_answer(o) and (r := o.response)],
        ]
        files, captures = self._opened_files, self._opened_captures
        parts = [seen[i : i + AT_ONCE] for i in range(0, len(seen), AT_ONCE)]
        places = [place for part in parts for place in keep_exchanges(part, self._terms, files, captures, self._index)]
        found = iter(places[len(waiting) :])
        return [next(found) if _has_answer(outcome) else None for outcome in outcomes]

    def _sync(self) -> Position:
        if self._captures:
            self._captures.commit()
        listed = self._index.flush()
        self._position = {**self._opened_files.sync(), **listed}
        return self._position

    def _close(self) -> None:
        if self._captures:
            self._captures.close()
            self._captures = None
        if self._files:
            self._files.close()
        self._index.close()

    def _make_first(self, name: str) -> bytes:
        return make_warcinfo(name, iso(wall(), "milliseconds"), self._describe_crawl()).member

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
            sources = self._settings.dedupe_with
            earlier = open_earlier(self._folder, sources) if sources else None
            self._captures = Captures(self._folder / INDEX, earlier)
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


def _has_answer(outcome: Outcome) -> bool:
    """Whether there is an answer to be archived. One that its site refuses for the purposes of the crawl is not."""
    return outcome.response is not None and outcome.reason is not Reason.USAGE
