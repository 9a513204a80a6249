"""Offers the Fetcher that renders pages: it holds another one, which makes all exchanges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..errors import VisitError
from ..model import Page, Rendered, RenderedFor, Request, Response
from ..model.quick import replace
from ..parse.codings import decode
from ..parse.kinds import essence
from ..protocols import Fetcher
from ..runtime.clock import monotonic, wall
from .browsers import Browsers, RenderJob
from .page import PageGone, PageTerms
from .patterns import Expectation, Patterns
from .supply import Answer, Supply, passed_on

MOST_BYTES = 4 << 20
"""The largest document that is rendered. Such a page has its content in it, and its tree would fill the browser."""
_HTML = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class RenderingFetcher:
    """A Fetcher around another one that renders pages which scripts make. Every document is fetched over HTTP first."""

    inner: Fetcher
    browsers: Browsers
    supply: Supply
    terms: PageTerms
    mode: Literal["auto", "always"]
    patterns: Patterns = field(default_factory=Patterns)
    """The facts that were learnt of pages. They outlive this fetcher."""

    async def fetch(self, request: Request) -> Response:
        """Makes one exchange, and renders the page where it is known beforehand that this is needed."""
        response = await self.inner.fetch(request)
        self.supply.note_visit(request.url.site)
        why = self._foresee(request, response)
        self.patterns.meet(request.url.text)
        return response if why is None else await self.render(request, response, why)

    def looks_for(self, request: Request, response: Response) -> str:
        """Returns whether the reader is to say that the page needs rendering: `auto`, `always`; empty: it need not."""
        if response.rendered is not None or not _may_render(request, response):
            return ""
        is_plain = self.mode == "auto" and self.patterns.expect(request.url.text) is Expectation.PLAIN
        return "" if is_plain else self.mode

    async def render(self, request: Request, response: Response, why: RenderedFor) -> Response:
        """Returns a copy of the response with the document that scripts make of it, or why there is none.

        The copy holds no memory of the budget. Raises what ends the crawl: HookError, SinkError.
        """
        begun = monotonic()
        try:
            document = await self._document(response)
            response.release()  # the page waits for other exchanges, which need the memory
            url = request.url
            ended = monotonic() - max(0.0, wall() - _ended_at(response))
            loaded = await self.browsers.render(RenderJob(url.text, url.site, document, ended, self.supply, self.terms))
        except (PageGone, VisitError) as error:
            response.release()
            made = Rendered(why, trouble=getattr(error, "detail", "") or str(error))
        else:
            html = loaded.html.encode("utf-8", "replace")
            made = Rendered(
                why,
                html,
                note=loaded.note,
                moved_to=loaded.moved_to,
                led_to=loaded.led_to,
                screenshot=loaded.screenshot,
                print=loaded.print,
                requests=loaded.requests,
            )
        elapsed_ms = (monotonic() - begun) * 1000
        return replace(response, rendered=replace(made, elapsed_ms=elapsed_ms))

    def learn(self, request: Request, before: Page | None, after: Page) -> None:
        """Learns from a page that was looked at. `before`: the page without its scripts, if it was rendered."""
        if self.mode != "auto":
            return
        if before is None:
            self.patterns.note_plain(request.url.text)
        else:
            gained = after.n_words > before.n_words or after.n_links > before.n_links
            self.patterns.note(request.url.text, gained=gained)

    def _foresee(self, request: Request, response: Response) -> RenderedFor | None:
        """Returns why a page is rendered before anyone has read it. None: a look decides."""
        if not _may_render(request, response) or essence(response.header("content-type")) not in _HTML:
            return None
        if self.mode == "always":
            return RenderedFor.ASKED
        is_known = self.patterns.expect(request.url.text) is Expectation.RENDER
        return RenderedFor.PATTERN if is_known else None

    async def _document(self, response: Response) -> Answer:
        """Returns the document as the browser gets it. Raises ParseError, OffloadError."""
        body, coding = response.body, response.header("content-encoding")
        if coding:
            body = await self.supply.offloader.run(decode, body, coding, MOST_BYTES)
        fields = passed_on(response.headers, keeps_cookies=self.supply.keeps_cookies)
        return Answer(response.status, fields, body)


def _ended_at(response: Response) -> float:
    """Returns when the exchange ended, in Unix seconds."""
    told = response.timings
    return response.started_at + (told.connect + told.ttfb + told.download) / 1000


def _may_render(request: Request, response: Response) -> bool:
    return (
        response.status == 200 and request.method == "GET" and not request.requisite and not response.truncated
        and 0 < len(response.body) <= MOST_BYTES
    )  # fmt: skip
