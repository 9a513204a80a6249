"""Carries one URL from lease to outcome, top to bottom. Start reading here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import field

from . import urls
from .dataclass import dataclass
from .errors import Excluded, FetchError, OutOfFiles, SchemeError, StorageFull, UrlError, VisitError
from .model import Bar, Disposition, Lease, Outcome, Page, Reason, Request, Response, Url
from .model.quick import replace
from .page_reading import PageReader, Rendering, find_shortcoming, make_remarks
from .parse import ROBOTS_PATH, SITEMAP_FIRST, ParseJob, blocked
from .policy import redirects
from .policy.answers import Answers, Verdict, all_of
from .policy.answers.compared import answer, start_time
from .policy.pace import Pace
from .policy.politeness import Politeness, Silence, setback
from .policy.scope import Scope
from .policy.setbacks import end_setback
from .policy.sitemap_sites import SitemapSites
from .proof import NoteGrounds, note_no_grounds
from .protocols import Fetcher, Frontier, Offloader, Robots, Rules
from .robots.use import Use
from .runtime.clock import monotonic, wall

BARRED_S = 1.0
"""Seconds that a site rests when visits under way may make its next request unnecessary."""
COOKIES_MAY_HELP = "; fetch.cookies = true may help"
MAX_SITEMAPS = 1000
"""The most sitemaps that are taken from one robots.txt; a sitemap index can list more."""
SITEMAPS_AT_ONCE = 16
"""Sitemap URLs that are parsed between two turns of the loop: half a millisecond."""
COMPARED_ONE_IN = 8
"""Pages of a well-known pattern of which one is compared with the earlier ones."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Turns leases into outcomes. It holds only protocols and rules, so thousands of visits share one."""

    robots: Robots
    fetcher: Fetcher
    offloader: Offloader
    frontier: Frontier
    scope: Scope
    politeness: Politeness
    job: ParseJob
    takes_sitemaps: bool = False
    bar: Callable[[Lease], Bar | None] = lambda lease: None
    """Returns why a request must not be fetched: its site has reached its limit of pages, or it leads into a trap."""
    answers: Answers = field(default_factory=Answers)
    """The recent answers of sites, by which pages are judged. They outlive this visitor."""
    admit: Callable[[Url, Url], bool] = lambda target, seed: True
    """Admits the target of a root's redirect. False: the seed has moved away, and only the target itself is fetched."""
    keeps_cookies: bool = False
    silence: Silence = field(default_factory=Silence)
    pace: Pace = field(default_factory=Pace)
    """The sites that rest longer than their delay. It outlives this visitor."""
    paths: redirects.Paths = field(default_factory=redirects.Paths)
    sitemap_sites: SitemapSites = field(default_factory=SitemapSites)
    note_grounds: NoteGrounds = note_no_grounds
    """Notes why a request may leave, for the one who records it."""
    rendering: Rendering | None = None
    """Renders pages that scripts make. None: no page is rendered."""

    use: Use | None = None
    """Heeds what sites say about the use of their content. None: the crawl has no purposes."""

    async def visit(self, lease: Lease) -> Outcome:
        """Returns exactly one outcome, whatever the network and the page do. Raises only bugs and cancellation."""
        begun = Outcome(lease, Disposition.FAILED, visited_at=wall())
        try:
            outcome = await self._visit(begun)
        except VisitError as error:
            site = lease.request.url.site
            rest_s = self.pace.rest_s(site, self.politeness.rest_s(site, None), self.politeness.adapt)
            outcome = self._setback(replace(begun, rest_s=rest_s), error)
        if self.answers.have_news:
            outcome = self._take_news(outcome)
        if self.politeness.revisit_after_s is None or not outcome.is_final:
            return outcome
        revisit_in_s = self.politeness.revisit_in_s(outcome)
        return outcome if revisit_in_s is None else replace(outcome, revisit_in_s=revisit_in_s)

    def _take_news(self, outcome: Outcome) -> Outcome:
        """Returns the outcome with what was found out about earlier answers of any site."""
        if recovered := self.answers.take_recovered():
            outcome = replace(outcome, unparks=recovered)
        if wanted := self.answers.take_wanted():
            repeats, checks = outcome.repeats + wanted.repeats, outcome.checks + wanted.checks
            outcome = replace(outcome, repeats=repeats, checks=checks)
        return outcome

    async def _visit(self, begun: Outcome) -> Outcome:
        request = begun.lease.request
        if reason := self.scope.reject(request):
            return replace(begun, disposition=Disposition.EXCLUDED, reason=reason, rest_s=0.0)

        if not request.is_reread and (bar := self.answers.bar(request) or self.bar(begun.lease)):
            return self._apply_bar(begun, bar)

        rules, was_asked = await self.robots.rules(request)
        if self.takes_sitemaps and self.sitemap_sites.may_list(request, was_asked=was_asked):
            begun = replace(begun, found=await self._sitemaps(request, rules))
        site = request.url.site
        least_s, asked_s, word_s = self.politeness.rests(site, rules.delay_s)
        rest_s = self.pace.rest_s(site, least_s, self.politeness.adapt)
        begun = replace(begun, rest_s=rest_s, asked_s=asked_s, word_s=word_s)
        if not rules.allows(request.url):
            rest_s = rest_s if was_asked else 0.0
            return _end(begun, disposition=Disposition.EXCLUDED, reason=Reason.ROBOTS, rest_s=rest_s)
        if was_asked and rest_s:  # robots.txt took this site's turn: the URL comes with the next one; not an attempt
            return _end(begun, disposition=Disposition.DEFERRED, retry_in_s=0.0)
        if self._is_too_early(begun):
            return _end(begun, disposition=Disposition.DEFERRED, retry_in_s=0.0, rest_s=0.0)

        if self.use and (begun := self.use.know(begun, rules)).reason is Reason.USAGE:
            return _end(begun, rest_s=rest_s if was_asked else 0.0)
        return await self._exchange(begun, rules, least_s)

    async def _exchange(self, begun: Outcome, rules: Rules, least_s: float) -> Outcome:
        """Fetches what was found to be allowed, now that it is the turn of its site."""
        request, rest_s, word_s = begun.lease.request, begun.rest_s, begun.word_s or 0.0
        exchange = self.pace.begin(request.url.site, least_s, self.politeness.adapt)
        if self.use and (asked := self.use.asks(request.url, rules)):  # it uses the turn: the URL comes with the next
            self.note_grounds(asked, rules, word_s, least_s, rest_s)
            rest_s = await self.use.ask(asked, exchange)
            return _end(begun, disposition=Disposition.DEFERRED, retry_in_s=0.0, rest_s=rest_s)
        self.note_grounds(request, rules, word_s, least_s, rest_s)
        try:
            response = await self.fetcher.fetch(request)
        except Excluded as error:
            return _end(begun, disposition=Disposition.EXCLUDED, reason=error.reason, detail=error.detail, rest_s=0.0)
        except FetchError as error:
            return self._setback(replace(begun, rest_s=exchange.fail(error)), error)
        fetched = _end(begun, disposition=Disposition.FETCHED, response=response, rest_s=exchange.end(response))
        try:
            return await (self._read if response.status == 200 else self._judge)(fetched, response)
        except BaseException:  # cancelled, or a bug: the body is dropped with the visit
            response.release()
            raise

    async def _judge(self, fetched: Outcome, response: Response) -> Outcome:
        """Decides by a status other than 200 how the visit goes on; returns its outcome."""
        if not redirects.is_redirect(response):
            self._note_no_redirect(fetched.request)
        if error := setback(response, wall(), may_repeat=fetched.request.may_repeat):
            return await self._judge_error(fetched, response, error)
        if response.status == 304:
            return replace(fetched, disposition=Disposition.UNCHANGED)
        if redirects.is_redirect(response):
            return await self._redirect(fetched, response)
        return await self._read(fetched, response)

    def _note_no_redirect(self, request: Request) -> None:
        if self.paths and request.is_plain:
            self.paths.forget(request.url)

    async def _judge_error(self, fetched: Outcome, response: Response, error: FetchError) -> Outcome:
        """Returns the outcome of an answer with an error status: a setback, or a block if header or page show one."""
        evidence, page = blocked.by_fields(response.headers), None
        if response.status in blocked.REFUSALS and 0 < len(response.body) <= blocked.MOST_BYTES:
            page = await self._reader.read_notice(fetched.request, response)
        if evidence := evidence or (page.blocked_by if page else ""):
            kept_out = replace(fetched, page=page and replace(page, left_out=0))
            verdict = self.answers.block(answer(kept_out, self.politeness), f"HTTP {response.status}, {evidence}")
            return self._no_content(kept_out, verdict, error.retry_after_s) if verdict else kept_out
        if not error.transient:
            self.answers.other(fetched.url, start_time(fetched))
        return self._setback(fetched, error)

    def _apply_bar(self, begun: Outcome, bar: Bar) -> Outcome:
        if bar.reason is None:  # it comes again when the visits under way have ended
            return _end(begun, disposition=Disposition.DEFERRED, retry_in_s=0.0, rest_s=BARRED_S)
        what = Disposition.PARKED if bar.pattern else Disposition.EXCLUDED
        return replace(begun, disposition=what, reason=bar.reason, detail=bar.detail, pattern=bar.pattern, rest_s=0.0)

    def _is_too_early(self, begun: Outcome) -> bool:
        """Whether the site asked, after this lease, for one request at a time or for a pause."""
        if begun.asked_s and not begun.lease.is_alone:
            return True
        return bool(self.silence) and self.silence.is_kept(begun.url.site, monotonic())

    async def _sitemaps(self, request: Request, rules: Rules) -> tuple[Request, ...]:
        """Returns requests for the sitemaps that robots.txt names and that scope lets in.

        Their depth is 0 if the root is of this site, else that of the request.
        """
        depth = 0 if request.url.site == request.anchor.site else request.depth
        via = Url(request.url.site + ROBOTS_PATH)
        found = []
        for number, text in enumerate(rules.sitemaps[:MAX_SITEMAPS], 1):
            if not number % SITEMAPS_AT_ONCE:
                await asyncio.sleep(0)
            with suppress(UrlError):
                url = urls.parse(text, via, self.job.policy)
                named = Request(url, depth, via, request.origin, request.anchor, priority=SITEMAP_FIRST)
                if url != request.anchor and self.scope.reject(named) is None:
                    found.append(named)
        return tuple(found)

    async def _redirect(self, fetched: Outcome, response: Response) -> Outcome:
        """Returns the outcome of a redirect, a link at the same depth; the target of a root is a root itself."""
        request = fetched.request
        try:
            target = self._target(response, request)
        except UrlError as error:
            where = response.header("location")[:200]
            reason = Reason.BLOCKED_SCHEME if isinstance(error, SchemeError) else Reason.BAD_RESPONSE
            return self._setback(fetched, FetchError(reason, f"HTTP {response.status} to {where!r}: {error}"))
        found = self.scope.step_out(redirects.follow(request, response.status, target))
        if found.identity == request.identity:  # worth another attempt where a cookie may make the difference
            may_pass = bool(response.header("set-cookie"))
            what = "redirects to itself" + (COOKIES_MAY_HELP if may_pass and not self.keeps_cookies else "")
            transient = may_pass and self.keeps_cookies
            return self._setback(fetched, FetchError(Reason.TOO_MANY_REDIRECTS, what, transient=transient))
        hops = await self._find_way_back(fetched.lease, target)
        if hops and not self.paths.is_open(hops[0]):
            return self._judge_circle(fetched, hops)
        given = answer(fetched, self.politeness, target)
        if evidence := blocked.by_target(target.text):
            verdict = self.answers.block(given, evidence)
        else:
            verdict = self.answers.judge(given) if request.method == "GET" and not request.requisite else None
        if verdict:
            return self._no_content(fetched, verdict)
        if request.redirects >= self.politeness.max_redirects:
            return self._setback(fetched, FetchError(Reason.TOO_MANY_REDIRECTS, f"{request.redirects + 1} in a row"))
        is_root, rejected = request.url == request.anchor, self.scope.reject(found)
        redirected = replace(
            fetched,
            disposition=Disposition.REDIRECTED,
            reason=rejected,
            detail=f"to {target}" if rejected else "",
            found=fetched.found if rejected else (found, *fetched.found),
        )
        return self._admit_target(redirected, target) if is_root and not rejected else redirected

    async def _find_way_back(self, lease: Lease, target: Url) -> Sequence[tuple[int, Url]]:
        """Returns the redirects that lead from the target back to this URL; empty: there are none."""
        if not lease.request.is_plain:  # these are known by their URLs; the bound on redirects in a row ends others
            return ()
        url = lease.request.url
        self.paths.keep(url, lease.token, target)
        return self.paths.way(target, url) or await self.frontier.way(target, lease)

    def _judge_circle(self, fetched: Outcome, hops: Sequence[tuple[int, Url]]) -> Outcome:
        """Returns a failure for redirects in a circle. If cookies are kept, which may open it, it is fetched once more.

        This URL then comes after the others, and is a redirect if the circle is gone.
        """
        what = f"redirects in a circle of {len(hops) + 1}, by way of {hops[0][1]}"
        if self.keeps_cookies and (repeats := self.paths.try_again(fetched.lease.token, hops)):
            wait_s = self.politeness.retry_delay_s
            deferred = _end(fetched, disposition=Disposition.DEFERRED, detail=what, retry_in_s=wait_s)
            return replace(deferred, repeats=repeats)
        hint = "" if self.keeps_cookies else COOKIES_MAY_HELP
        return self._setback(fetched, FetchError(Reason.TOO_MANY_REDIRECTS, what + hint))

    def _admit_target(self, redirected: Outcome, target: Url) -> Outcome:
        """Admits the target of a root's redirect; returns the outcome, with reason `moved` if the seed moved away."""
        url, seed = redirected.url, redirected.request.origin
        try:
            stays = self.admit(target, seed) or not self.admit(url, seed)
        except StorageFull as error:
            again = replace(redirected, found=redirected.found[1:])
            return self._setback(again, OutOfFiles(Reason.INTERNAL, str(error)))
        if stays:  # or an earlier redirect has recorded that it moved away
            return redirected
        return replace(redirected, reason=Reason.MOVED, detail=f"moved to {target}")

    def _target(self, response: Response, request: Request) -> Url:
        """Returns the target of the redirect. Raises UrlError.

        A target that is another spelling of this URL is returned as the server wrote it: some servers deliver a page
        only to a client that comes back with the session id they gave.
        """
        location = redirects.location(response)
        target = urls.parse(location, request.url, self.job.policy)
        return target if target != request.url else urls.parse(location, request.url)

    async def _read(self, fetched: Outcome, response: Response) -> Outcome:
        """Has the page decoded, parsed and hashed in a worker, then decides whether its content is new."""
        request = fetched.lease.request
        self._note_no_redirect(request)
        started = monotonic()
        try:
            is_well_known = self._is_well_known(request)
            page, trouble, response = await self._reader.read(request, response, may_be_brief=is_well_known)
        except VisitError as error:
            return self._setback(fetched, error)
        now, rendered = monotonic(), response.rendered
        render_ms = rendered.elapsed_ms if rendered else 0.0
        parse_ms = (now - started) * 1000 - (render_ms if fetched.response is not response else 0.0)
        has_remarks = trouble or rendered or page.data_error or page.note or page.is_scanned
        read = replace(
            fetched,
            page=page,
            found=(*fetched.found, *page.asked),
            response=response.timed(replace(response.timings, parse=parse_ms, render=render_ms)),
            reason=find_shortcoming(page, trouble, rendered) if has_remarks else None,
            detail="; ".join(filter(None, make_remarks(page, trouble, rendered))) if has_remarks else "",
            ended=now if rendered else fetched.ended,  # the page may have asked its site since
        )
        if verdict := self._verdict(read, page, response):
            return self._no_content(read, verdict)
        if self.use and (read := self.use.judge(read)).reason is Reason.USAGE:
            return read
        if page.digest == request.digest:  # a revisit with the same content, though the answer was not 304
            return replace(read, disposition=Disposition.UNCHANGED)
        if not page.length or page.truncated or request.method != "GET" or request.requisite:
            return read  # equal empty pages and equal beginnings are no duplicates, nor are equal answers to forms
        first = await self.frontier.claim(page.digest, fetched.lease)
        if first == request.url:
            return read
        return replace(read, disposition=Disposition.DUPLICATE, reason=Reason.DUPLICATE, duplicate_of=first)

    @property
    def _reader(self) -> PageReader:
        return PageReader(self.offloader, self.job, self.rendering)

    def _is_well_known(self, request: Request) -> bool:
        """Whether pages like this one need not all be compared. One URL in eight, always the same ones, is in any case.

        Pages that may be the first of a trap or of an outage are compared, each of them.
        """
        url = request.url
        return self.frontier.knows_well(url) and self.answers.knows_well(url) and not is_sample(url, self.job.key)

    # -- answers that are no content ---------------------------------------------------------------------------------

    def _verdict(self, read: Outcome, page: Page, response: Response) -> Verdict | None:
        """Returns why the page is no content: a block, or one answer for every URL of the site. None: it is content."""
        given, request = answer(read, self.politeness), read.lease.request
        if evidence := blocked.by_fields(response.headers) or page.blocked_by:
            return self.answers.block(given, evidence, is_weak=blocked.is_weak(evidence))
        if page.kind == "sitemap" or page.truncated or request.method != "GET" or request.requisite:
            self.answers.other(request.url, given.began)
            return None
        return self.answers.judge(given, is_known=page.digest == request.digest)

    def _no_content(self, outcome: Outcome, verdict: Verdict, retry_after_s: float | None = None) -> Outcome:
        """Returns the outcome of an answer that is no content: another attempt if one is left, else parked or failed.

        The page stays in it as evidence. The site rests longer each time in a row.
        """
        hold_s = self.politeness.hold_s(retry_after_s)
        backoff_s = max(self.politeness.backoff_s(verdict.step), hold_s)
        retry_in_s = self.politeness.return_in_s(outcome.request.attempt, backoff_s)
        is_over = (
            retry_in_s is None or not outcome.request.may_repeat or (verdict.is_lasting and outcome.request.is_reread)
        )
        if verdict.is_lasting and not is_over:
            what, pattern = Disposition.PARKED, all_of(outcome.url)
        else:
            what, pattern = Disposition.FAILED if is_over else Disposition.DEFERRED, ""
        if backoff_s:
            self.silence.keep(outcome.url.site, outcome.ended + backoff_s, outcome.ended)
        return replace(
            outcome,
            disposition=what,
            pattern=pattern,
            reason=verdict.reason,
            detail=verdict.detail,
            retry_in_s=None if is_over else retry_in_s,
            rest_s=max(outcome.rest_s, backoff_s),
            asked_s=max(outcome.asked_s or 0.0, hold_s),
            word_s=max(outcome.word_s or 0.0, hold_s),
            repeats=verdict.repeats,
            checks=verdict.checks,
        )

    # -- setbacks ----------------------------------------------------------------------------------------------------

    def _setback(self, outcome: Outcome, error: VisitError) -> Outcome:
        """Returns another attempt if one may help, else a failure. A lack of files of our own costs no attempt."""
        if isinstance(error, OutOfFiles):
            wait_s = self.politeness.retry_delay_s
            return _end(outcome, disposition=Disposition.DEFERRED, detail=error.detail, retry_in_s=wait_s)
        ended = _end(outcome)
        if hold_s := self.politeness.hold_s(error.retry_after_s):
            self.silence.keep(ended.url.site, ended.ended + hold_s, ended.ended)
        return end_setback(ended, error, self.politeness)


def is_sample(url: Url, key: bytes) -> bool:
    """Whether the page at this URL is compared with earlier ones, however well its like are known.

    Always the same ones in a crawl with this key; a server that does not know it cannot avoid them.
    """
    return urls.fingerprints([url.text], key)[0] % COMPARED_ONE_IN == 0


def _end(outcome: Outcome, **changes: object) -> Outcome:
    """Returns the outcome with these changes, and with `ended` set to now if it was not set."""
    return replace(outcome, ended=outcome.ended or monotonic(), **changes)  # type: ignore[arg-type]
