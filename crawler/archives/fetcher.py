"""Offers the Fetcher of a replay: it answers from archives, and asks no name server and no network."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from ..errors import FetchError
from ..fetch import Budget
from ..fetch.budget import SMALL_BYTES, BodyShare
from ..model import Heads, Reason, Request, Response, Timings
from ..runtime.clock import monotonic
from ..runtime.threads import start_in_thread
from ..settings import FetchConfig
from .store import Failed, Found, Large, Missing, Store

ROBOTS = "/robots.txt"
_TRUNCATED = frozenset(("length", "time", "disconnect", "unspecified"))
"""Why a body is not whole (WARC 1.1, 5.13)."""


@dataclass(frozen=True, slots=True)
class ArchiveFetcher:
    """Fetches from archives. `open_archives` makes one.

    A URL that is not archived ends as `not-archived`; a robots.txt that is not counts as one that the site does not
    have.
    """

    store: Store
    """The archives and their index."""
    thread: ThreadPoolExecutor
    """The one thread that reads."""
    budget: Budget
    """The memory for bodies."""
    config: FetchConfig
    """The settings of the crawl: its limits for bodies."""

    @property
    def captures(self) -> int:
        """How many answers the archives hold."""
        return len(self.store)

    @property
    def notes(self) -> tuple[str, ...]:
        """Archives that could not be read up to now, one line each."""
        return tuple(self.store.notes)

    def documents(self) -> Iterator[str]:
        """Yields the URLs of all archived documents, in the order of the archives; some come more than once.

        Blocks: read it in a thread.
        """
        after = 0
        while batch := self.thread.submit(self.store.documents, after).result():
            yield from (url for _, url in batch)
            after = batch[-1][0]

    async def fetch(self, request: Request, *, cap: int | None = None) -> Response:
        """Returns the archived answer, charged to the budget until it is released. Raises FetchError: NOT_ARCHIVED.

        `cap` keeps at most that many bytes of the body and ignores the rest.
        """
        with self.budget.open() as share:
            return await self._fetch(request, share, cap)

    def capped(self, limit_bytes: int) -> Capped:
        """Returns a Fetcher that gives at most `limit_bytes` of each body."""
        return Capped(self, limit_bytes)

    async def _fetch(self, request: Request, share: BodyShare, cap: int | None) -> Response:
        begun, room = monotonic(), SMALL_BYTES
        while isinstance(found := await self._find(request, room), Large):
            more, room = found.size - share.held, found.size
            if not share.take(more):
                await share.wait(more)
        if isinstance(found, Found):
            return self._respond(request, found, share, cap, begun)
        if isinstance(found, Failed):
            raise FetchError(found.reason, found.detail, transient=found.is_transient)
        if request.url.path == ROBOTS:
            return Response(request.url, 404, ((b"Content-Length", b"0"),), share=share)
        raise FetchError(Reason.NOT_ARCHIVED, found.why)

    async def _find(self, request: Request, most: int) -> Found | Large | Missing | Failed:
        look = partial(self.store.find, may_be_unchanged=bool(request.etag or request.last_modified))
        return await start_in_thread(self.thread, look, request, most)

    def _respond(self, request: Request, found: Found, share: BodyShare, cap: int | None, begun: float) -> Response:
        answer = found.answer
        body, is_cut = self._cut(answer.body, cap, answer.find(b"content-length"))
        size = len(body) + len(answer.head)
        if share.held < size:
            share.add(size - share.held)
        said = found.truncated if found.truncated in _TRUNCATED or not found.truncated else "unspecified"
        return Response(
            request.url, answer.status, answer.fields, body, found.ip, found.at,
            Timings(ttfb=(monotonic() - begun) * 1000), truncated="length" if is_cut else said,
            heads=Heads(response=answer.head), share=share,
        )  # fmt: skip

    def _cut(self, body: bytes, cap: int | None, declared: bytes) -> tuple[bytes, bool]:
        """Returns the body within its limit, and whether the settings cut it. Raises FetchError: TOO_LARGE."""
        if cap is not None:
            return body[:cap], False
        most = self.config.max_body_bytes
        if len(body) <= most:
            return body, False
        if self.config.oversized == "keep":
            return body[:most], True
        size = int(declared) if declared.isdigit() and len(declared) < 19 else 0
        raise FetchError(
            Reason.TOO_LARGE,
            f"{size:,} bytes declared, {most:,} allowed" if size > most else f"more than {most:,} bytes",
        )


@dataclass(frozen=True, slots=True)
class Capped:
    """A Fetcher that gives bodies up to a limit."""

    fetcher: ArchiveFetcher
    limit_bytes: int

    async def fetch(self, request: Request) -> Response:
        """Returns the archived answer, its body cut at the limit. Raises FetchError."""
        return await self.fetcher.fetch(request, cap=self.limit_bytes)
