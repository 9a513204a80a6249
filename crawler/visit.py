"""The life of one URL, top to bottom. Start reading here."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from . import redirects, urls
from .errors import FetchError, OffloadError, OutOfFiles, SchemeError, StorageFull, UrlError, VisitError
from .model import Bar, Disposition, Lease, Outcome, Page, Reason, Request, Response, Url
from .parse import SITEMAP_FIRST, Document, Job, parse
from .politeness import Politeness, setback
from .protocols import Fetcher, Frontier, Offloader, Robots, Rules
from .scope import Scope
from .settings import MOST_INLINE_BYTES

ROBOTS_PATH = "/robots.txt"
BARRED_S = 1.0
"""How long a site rests whose last pages are under way."""
MAX_SITEMAPS = 1000
"""Of one robots.txt; an index holds more."""
NEVER_INLINE = MOST_INLINE_BYTES
"""What some bodies count as at least, for they are no work for the loop: those in a content coding, since a kilobyte of
it may be a bomb, and all that the user's own function reads, whatever that may do."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Turns leases into outcomes; holds only doors and rules, so thousands of visits share one."""

    robots: Robots
    fetcher: Fetcher
    offloader: Offloader
    frontier: Frontier
    scope: Scope
    politeness: Politeness
    job: Job
    takes_sitemaps: bool = False
    """Whether the sitemaps that robots.txt names are visited too."""
    bar: Callable[[Lease], Bar | None] = lambda lease: None
    """Why a request is not to be fetched after all: its site gave its share, or leads into a trap."""
    release: Callable[[Response], None] = lambda response: None
    """Gives a body's bytes back to the budget when its visit ends without an outcome."""
    admit: Callable[[Url, Url], bool] = lambda target, seed: True
    """Takes in where a root redirects to; False: its seed has moved away, and only where it lands is fetched."""

    async def visit(self, lease: Lease) -> Outcome:
        """Exactly one outcome, whatever the network and the page do. Raises nothing but bugs and cancellation."""
        begun = Outcome(lease, Disposition.FAILED, rest_s=self.politeness.rest_s(None), visited_at=time.time())
        try:
            outcome = await self._visit(begun)
        except VisitError as error:
            outcome = self._setback(begun, error)
        revisit_in_s = self.politeness.revisit_in_s(outcome) if outcome.is_final else None
        return outcome if revisit_in_s is None else replace(outcome, revisit_in_s=revisit_in_s)

    async def _visit(self, begun: Outcome) -> Outcome:
        request = begun.request
        if reason := self.scope.reject(request):
            return replace(begun, disposition=Disposition.EXCLUDED, reason=reason, rest_s=0.0)

        if bar := self.bar(begun.lease):
            return self._barred(begun, bar)

        rules, was_asked = await self.robots.rules(request)
        if was_asked and self.takes_sitemaps:
            begun = replace(begun, found=self._sitemaps(request, rules))
        rest_s = self.politeness.rest_s(rules.delay_s)
        if not rules.allows(request.url):
            rest_s = rest_s if was_asked else 0.0
            return _ended(begun, disposition=Disposition.EXCLUDED, reason=Reason.ROBOTS, rest_s=rest_s)
        if was_asked and rest_s:  # that was this site's turn: the URL itself comes with the next one; not an attempt
            return _ended(begun, disposition=Disposition.DEFERRED, retry_in_s=0.0, rest_s=rest_s)

        try:
            response = await self.fetcher.fetch(request)
        except FetchError as error:
            return self._setback(begun, error)
        fetched = _ended(begun, disposition=Disposition.FETCHED, response=response, rest_s=rest_s)
        try:
            return await self._judge(fetched, response)
        except BaseException:  # cancelled, or a bug: the body goes with the visit
            self.release(response)
            raise

    async def _judge(self, fetched: Outcome, response: Response) -> Outcome:
        """What the answer's status makes of the visit."""
        if error := setback(response, time.time()):
            return self._setback(fetched, error)
        if response.status == 304:
            return replace(fetched, disposition=Disposition.UNCHANGED)
        if redirects.is_redirect(response):
            return self._redirect(fetched, response)
        return await self._read(fetched, response)

    def _barred(self, begun: Outcome, bar: Bar) -> Outcome:
        if bar.reason is None:  # it comes again when what is under way has come back
            return _ended(begun, disposition=Disposition.DEFERRED, retry_in_s=0.0, rest_s=BARRED_S)
        return replace(begun, disposition=Disposition.EXCLUDED, reason=bar.reason, detail=bar.detail, rest_s=0.0)

    def _sitemaps(self, request: Request, rules: Rules) -> tuple[Request, ...]:
        """Those that robots.txt names, as near as the seed where it is of this site; in scope like any link."""
        depth = 0 if request.url.site == request.anchor.site else request.depth
        via = Url(request.url.site + ROBOTS_PATH)
        found = []
        for text in rules.sitemaps[:MAX_SITEMAPS]:
            with suppress(UrlError):
                url = urls.parse(text, via, self.job.policy)
                named = Request(url, depth, via, request.origin, request.anchor, priority=SITEMAP_FIRST)
                if url != request.anchor and self.scope.reject(named) is None:
                    found.append(named)
        return tuple(found)

    def _redirect(self, fetched: Outcome, response: Response) -> Outcome:
        """A redirect is a link at the same depth; the target of a root is a root itself (DESIGN 6.9)."""
        request = fetched.request
        try:
            target = self._target(response, request)
        except UrlError as error:
            where = response.header("location")[:200]
            reason = Reason.BLOCKED_SCHEME if isinstance(error, SchemeError) else Reason.BAD_RESPONSE
            return self._setback(fetched, FetchError(reason, f"HTTP {response.status} to {where!r}: {error}"))
        if target == request.url:  # worth another attempt where a cookie may make the difference
            may_pass = bool(response.header("set-cookie"))
            loop = FetchError(Reason.TOO_MANY_REDIRECTS, "redirects to itself", transient=may_pass)
            return self._setback(fetched, loop)
        if request.redirects >= self.politeness.max_redirects:
            return self._setback(fetched, FetchError(Reason.TOO_MANY_REDIRECTS, f"{request.redirects + 1} in a row"))
        is_root = request.url == request.anchor
        found = Request(
            target,
            depth=request.depth,
            via=request.url,
            seed=request.origin,
            root=None if is_root else request.anchor,
            priority=request.priority,
            redirects=request.redirects + 1,
        )
        rejected = self.scope.reject(found)
        redirected = replace(
            fetched,
            disposition=Disposition.REDIRECTED,
            reason=rejected,
            detail=f"to {target}" if rejected else "",
            found=fetched.found if rejected else (found, *fetched.found),
        )
        return self._rooted(redirected, target) if is_root and not rejected else redirected

    def _rooted(self, redirected: Outcome, target: Url) -> Outcome:
        """The redirect of a root: what lies around its target belongs to the crawl, too, unless the seed moved away."""
        url, seed = redirected.url, redirected.request.origin
        try:
            is_told = self.admit(target, seed) or not self.admit(url, seed)
        except StorageFull as error:
            again = replace(redirected, found=redirected.found[1:])
            return self._setback(again, OutOfFiles(Reason.INTERNAL, str(error)))
        if is_told:  # it stays, or an earlier redirect says that it left
            return redirected
        return replace(redirected, reason=Reason.MOVED, detail=f"moved to {target}")

    def _target(self, response: Response, request: Request) -> Url:
        """Where the redirect leads; as it is written, where it leads to another spelling of this very URL. UrlError.

        For some servers hand over a page only to who comes back with the session id they gave.
        """
        location = redirects.location(response)
        target = urls.parse(location, request.url, self.job.policy)
        return target if target != request.url else urls.parse(location, request.url)

    async def _read(self, fetched: Outcome, response: Response) -> Outcome:
        """Decode, parse, hash and follow in a worker; then see whether the content is news."""
        request = fetched.request
        document = Document(
            url=request.url,
            body=response.body,
            content_type=response.header("content-type"),
            content_encoding=response.header("content-encoding"),
            anchor=request.anchor,
            depth=request.depth,
            status=response.status,
            priority=request.priority,
            is_sitemap=request.via is not None and request.via.path == ROBOTS_PATH,
            links=response.all("link"),
            robots=response.all("x-robots-tag"),
            refresh=response.header("refresh"),
            is_cut=bool(response.truncated),
        )
        started = time.perf_counter()
        try:
            page, trouble = await self._page(document)
        except VisitError as error:
            return self._setback(fetched, error)
        timings = replace(response.timings, parse=(time.perf_counter() - started) * 1000)
        read = replace(
            fetched,
            page=page,
            response=replace(response, timings=timings),
            reason=_shortcoming(page, trouble),
            detail="; ".join(filter(None, [trouble.detail if trouble else "", page.data_error, page.note])),
        )
        if page.digest == request.digest:  # a revisit that no validator spared us
            return replace(read, disposition=Disposition.UNCHANGED)
        if not page.length or page.is_cut:  # all empty pages are alike, and that says nothing; nor does a beginning
            return read
        first = await self.frontier.claim(page.digest, fetched.lease)
        if first == request.url:
            return read
        return replace(read, disposition=Disposition.DUPLICATE, reason=Reason.DUPLICATE, duplicate_of=first)

    async def _page(self, document: Document) -> tuple[Page, OffloadError | None]:
        """What a worker makes of it, and what it died of before: then a linear scan finds its links. VisitError."""
        is_safe = not document.content_encoding and self.job.extract is None
        size = len(document.body) if is_safe else max(len(document.body), NEVER_INLINE)
        try:
            return await self.offloader.run(parse, document, self.job, size=size), None
        except OffloadError as error:
            trouble = error.with_traceback(None)  # whose frames hold the body
        try:
            return await self.offloader.run(parse, replace(document, is_suspect=True), self.job, size=size), trouble
        except VisitError:
            raise trouble from None

    def _setback(self, outcome: Outcome, error: VisitError) -> Outcome:
        """Another attempt where one may help, an end where not; none is spent where the fault is ours."""
        if isinstance(error, OutOfFiles):
            wait_s = self.politeness.retry_delay_s
            return _ended(outcome, disposition=Disposition.DEFERRED, detail=error.detail, retry_in_s=wait_s)
        attempt = outcome.request.attempt
        retry_in_s = self.politeness.retry_in_s(attempt, error.retry_after_s) if error.transient else None
        return _ended(
            outcome,
            disposition=Disposition.FAILED if retry_in_s is None else Disposition.DEFERRED,
            reason=error.reason,
            detail=error.detail,
            retry_in_s=retry_in_s,
            rest_s=max(outcome.rest_s, self.politeness.hold_s(error.retry_after_s)),
        )


def _shortcoming(page: Page, trouble: OffloadError | None) -> Reason | None:
    """Why a page that was fetched was not read as a whole; None: it was."""
    if trouble:
        return trouble.reason
    return Reason.PARSE if page.data_error or page.is_scanned else None


def _ended(outcome: Outcome, **changes: object) -> Outcome:
    """The outcome with its exchange over just now, unless that was noted before."""
    return replace(outcome, ended=outcome.ended or time.monotonic(), **changes)  # type: ignore[arg-type]
