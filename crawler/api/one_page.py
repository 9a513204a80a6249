"""Fetches one page now, as politely as a crawl does: a crawl of one page, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, Unpack

import orjson

from ..assembly.shared import Shared, open_shared
from ..errors import FetchError, VisitError
from ..model import Disposition, Outcome, Position, Reason, Response
from ..parse import make_document
from ..parse.source import read_source, render_seen
from ..settings import MOST_INLINE_BYTES, Config, Settings
from ..settings.loading import amend
from ..sinks import Wants
from ..sinks.record import record, wants_of
from .opening import open_crawl
from .seeds import Seed

READABLE = Wants(markdown=True, metadata=True, links=True)
"""The content that people and models read, with the links."""
Html = Literal["none", "source", "seen", "main"]
"""The HTML that is wanted of a page: none, its source, or without what nobody sees: all of it, or its main part."""
ALONE: Mapping[str, Any] = {
    "scope.max_depth": 0, "scope.reach": "page", "scope.sitemaps": False, "scope.requisites": False,
    "scope.extra_hops": 0, "scope.include": (), "scope.exclude": (), "scope.traps": "off", "scope.limit": 1,
    "politeness.max_attempts": 1, "politeness.revisit_after_s": None,
}  # fmt: skip
"""Settings of a crawl that fetches what it is asked for and nothing else."""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """One page that was fetched now, or why it was not."""

    record: Mapping[str, Any]
    """Its record, as docs/records.md has it. After redirects it is that of the last URL."""
    redirects: tuple[str, ...] = ()
    """The URLs that redirected to it, in order."""
    html: Mapping[Html, str] = field(default_factory=dict)
    """Its HTML, in the forms that were asked for."""

    @property
    def is_answered(self) -> bool:
        """Whether its site answered, whatever the status. Else `disposition`, `reason` and `detail` say why not."""
        return self.record.get("status") is not None


async def fetch_page(
    url: Seed,
    config: Config | None = None,
    *,
    wants: Wants = READABLE,
    html: Sequence[Html] = (),
    wait_s: float = 30.0,
    shared: Shared | None = None,
    **settings: Unpack[Settings],
) -> FetchedPage:
    """Fetches one page now and returns its record, with the HTML that is asked for.

    It is a crawl of one page in memory: robots.txt, the address guard and the rests of the site hold, redirects are
    followed, nothing is tried twice. With `shared` the site's turns are those of all crawls that share it. Raises
    TimeoutError if the page does not come in time, ConfigError, UrlError and RequestError.
    """
    wanted = {one: True for one in ("markdown", "text", "metadata", "structured", "links") if getattr(wants, one)}
    config = amend(amend(config or Config(), settings), {**ALONE, "sinks": [{"kind": "jsonl", **wanted}]})
    kept = Kept(wants_of(config.sinks[0]))
    async with (
        asyncio.timeout(wait_s),
        nullcontext(shared) if shared else open_shared(config) as parts,
        open_crawl(config, sinks=[kept], shared=parts) as crawl,
    ):
        await crawl.run([url])
        last = kept.last(url)
        shown: dict[Html, str] = {form: await _render(form, last, config, parts) for form in html if form != "none"}
    on_the_way = tuple(one.url.text for one in kept.outcomes if one is not last)
    return FetchedPage(orjson.loads(record(last, kept.wants)), on_the_way, shown)


class Kept:
    """A sink that keeps the outcomes of a page and of the redirects to it."""

    name = "page"

    def __init__(self, wants: Wants) -> None:
        self.wants = wants
        self.outcomes: list[Outcome] = []

    async def rewind(self, position: Position | None) -> None:
        """Does nothing: the crawl is new."""

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self.outcomes += outcomes
        return {}

    def last(self, url: Seed) -> Outcome:
        """Returns the outcome of the page itself, after its redirects. Raises FetchError if there is none."""
        if not self.outcomes:
            raise FetchError(Reason.INTERNAL, f"{url} was not visited")
        ends = [one for one in self.outcomes if one.disposition is not Disposition.REDIRECTED or one.reason]
        return ends[-1] if ends else self.outcomes[-1]


async def _render(form: Html, outcome: Outcome, config: Config, shared: Shared) -> str:
    """Returns the HTML of a page in one form; empty if there is none."""
    response = outcome.response
    if response is None or not response.body or not _is_text(outcome, response):
        return ""
    document, most = make_document(outcome.request, response, is_for_function=False), config.fetch.max_body_bytes
    size = max(len(document.body), MOST_INLINE_BYTES)  # never on the loop
    try:
        if form == "source":
            name = outcome.page.charset if outcome.page else ""
            return await shared.offloader.run(read_source, document, name, most, size=size)
        most_tree, is_main = config.offload.page_memory_bytes, form == "main"
        return await shared.offloader.run(render_seen, document, most, most_tree, is_main, size=size)
    except VisitError:  # a broken coding, or a worker that died of it
        return ""


def _is_text(outcome: Outcome, response: Response) -> bool:
    """Whether the answer is HTML or other text, and no picture or archive."""
    if outcome.page is not None:
        return outcome.page.kind != "other"
    return response.header("content-type").partition("/")[0].strip().lower() in ("text", "")
