"""The life of one URL, with doors that do as they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar, cast

import pytest

from crawler.errors import ConfigError, FetchError, OffloadError, StorageFull
from crawler.model import Disposition, Lease, Outcome, Reason, Request, Response, Timings, Url
from crawler.offload import Inline
from crawler.parse import Document
from crawler.protocols import Frontier, Rules
from crawler.robots import IgnoreRobots, RobotsRules
from crawler.settings import MOST_INLINE_BYTES
from crawler.settings.loading import load
from crawler.visit import Visitor
from tests.defaults import make_job, make_politeness, make_scope

T = TypeVar("T")
HERE = Url("http://site.test/a/page?q")


class Web:
    """Answers each URL with the status and fields it was given."""

    def __init__(self, answers: dict[str, tuple[int, list[tuple[str, str]]]]) -> None:
        self.answers = answers
        self.asked: list[Request] = []

    async def fetch(self, request: Request) -> Response:
        self.asked.append(request)
        status, fields = self.answers[request.url.text]
        headers = tuple((name.encode(), value.encode("latin-1")) for name, value in fields)
        return Response(request.url, status, headers, b"<title>hello</title>")


class Claims:
    """All that a visit asks of the frontier: nobody had this content before, and no redirect led here."""

    async def claim(self, digest: bytes, lease: Lease) -> Url:
        return lease.request.url

    async def way(self, start: Url, lease: Lease) -> Sequence[tuple[int, Url]]:
        return ()

    def knows_well(self, url: Url) -> bool:
        return False


def visitor(web: Web, max_redirects: int = 3, reach: str = "any") -> Visitor:
    scope = make_scope(reach=reach)
    return Visitor(
        robots=IgnoreRobots(),
        fetcher=web,
        offloader=Inline(),
        frontier=cast(Frontier, Claims()),
        scope=scope,
        politeness=make_politeness(max_redirects=max_redirects),
        job=make_job(key=b"k" * 16, run=b"r" * 8, bounds=scope),
    )


async def visit(status: int, *fields: tuple[str, str], **request: object) -> Outcome:
    """What becomes of HERE, answered so."""
    web = Web({HERE.text: (status, list(fields))})
    return await visitor(web).visit(Lease(Request(HERE, **request), 1))  # type: ignore[arg-type]


def to(where: str) -> tuple[str, str]:
    return ("Location", where)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
async def test_a_redirect_is_a_link_at_the_same_depth(status: int) -> None:
    outcome = await visit(status, to("/elsewhere"), depth=2, root=Url("http://site.test/"))
    assert outcome.disposition is Disposition.REDIRECTED
    (found,) = outcome.found
    assert found.url == Url("http://site.test/elsewhere")
    assert (found.depth, found.via, found.redirects) == (2, HERE, 1)
    assert found.root == Url("http://site.test/")


async def test_where_a_seed_leads_is_a_root_itself() -> None:
    (found,) = (await visit(301, to("https://www.site.test/"))).found
    assert (found.seed, found.root) == (HERE, None)


async def test_a_root_whose_place_finds_no_room_is_tried_again_and_that_is_no_attempt() -> None:
    def no_room(target: Url, seed: Url) -> bool:
        raise StorageFull("no room")

    web = Web({HERE.text: (301, [to("https://www.site.test/")])})
    outcome = await replace(visitor(web), admit=no_room).visit(Lease(Request(HERE), 1))
    assert (outcome.disposition, outcome.reason, outcome.found) == (Disposition.DEFERRED, None, ())
    assert outcome.retry_in_s


async def test_a_redirect_that_is_not_followed_tells_where_it_leads() -> None:
    root = Url("http://site.test/")
    web = Web({HERE.text: (302, [to("http://other.test/")])})
    outcome = await visitor(web, reach="host").visit(Lease(Request(HERE, depth=1, via=root, root=root), 1))
    assert (outcome.reason, outcome.detail, outcome.found) == (Reason.OUT_OF_SCOPE, "to http://other.test/", ())


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("other", "http://site.test/a/other"),
        ("../up", "http://site.test/up"),
        ("?z", "http://site.test/a/page?z"),
        ("//cdn.test/x", "http://cdn.test/x"),
        ("https://safe.test", "https://safe.test/"),
        ("/x#part", "http://site.test/x"),
        (" /spaced ", "http://site.test/spaced"),
        ("/a b", "http://site.test/a%20b"),
        ("/caf\xc3\xa9", "http://site.test/caf%C3%A9"),  # UTF-8, octet by octet
        ("/caf\xe9", "http://site.test/caf%E9"),  # whatever it is
        ("http://b\xc3\xbccher.test/", "http://xn--bcher-kva.test/"),
        ("\\back", "http://site.test/back"),
    ],
)
async def test_a_location_is_read_as_browsers_read_it(location: str, target: str) -> None:
    (found,) = (await visit(302, to(location))).found
    assert found.url == Url(target)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 306, 307, 308])
@pytest.mark.parametrize("fields", [[], [to("")], [to("  ")]])
async def test_what_leads_nowhere_is_a_page(status: int, fields: list[tuple[str, str]]) -> None:
    outcome = await visit(status, *fields)
    assert outcome.disposition is Disposition.FETCHED
    assert outcome.page
    assert outcome.page.title == "hello"


@pytest.mark.parametrize("status", [305, 306, 200, 201])
async def test_a_location_that_is_no_redirect_is_not_followed(status: int) -> None:
    assert (await visit(status, to("http://proxy.test/"))).found == ()


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("mailto:me@site.test", Reason.BLOCKED_SCHEME),
        ("javascript:alert(1)", Reason.BLOCKED_SCHEME),
        ("file:///etc/passwd", Reason.BLOCKED_SCHEME),
        ("http://", Reason.BAD_RESPONSE),
        ("http://a b/", Reason.BAD_RESPONSE),
        ("//[::1", Reason.BAD_RESPONSE),
    ],
)
async def test_a_location_nobody_can_fetch_says_why(location: str, reason: Reason) -> None:
    outcome = await visit(301, to(location))
    assert (outcome.disposition, outcome.reason, outcome.retry_in_s) == (Disposition.FAILED, reason, None)
    assert location in outcome.detail


@pytest.mark.parametrize("location", ["/" + "x" * 100_000, "http://" + "x" * 100_000 + ".test/", "/\x00\x1b[2J" * 300])
async def test_a_location_beyond_all_bounds_is_a_bad_response_of_few_words(location: str) -> None:
    outcome = await visit(301, to(location))
    assert (outcome.disposition, outcome.reason) == (Disposition.FAILED, Reason.BAD_RESPONSE)
    assert outcome.detail.isprintable()
    assert len(outcome.detail) < 2000


async def test_a_thousand_locations_are_no_place_to_go() -> None:
    outcome = await visit(301, *[to(f"/{number}") for number in range(1000)])
    assert (outcome.disposition, outcome.reason) == (Disposition.FAILED, Reason.BAD_RESPONSE)


async def test_two_locations_that_agree_are_one_and_two_that_do_not_are_none() -> None:
    assert (await visit(301, to("/x"), to("/x"))).disposition is Disposition.REDIRECTED
    outcome = await visit(301, to("/x"), ("location", "http://evil.test/"))
    assert (outcome.disposition, outcome.reason) == (Disposition.FAILED, Reason.BAD_RESPONSE)


async def test_not_modified_is_unchanged_and_costs_no_parse() -> None:
    outcome = await visit(304, to("/x"), etag='"1"')
    assert (outcome.disposition, outcome.page, outcome.found) == (Disposition.UNCHANGED, None, ())


async def test_a_chain_ends_at_the_bound() -> None:
    web = Web({f"http://site.test/{n}": (302, [to(f"/{n + 1}")]) for n in range(9)})
    request, outcomes = Request(Url("http://site.test/0")), []
    while True:
        outcomes.append(await visitor(web, max_redirects=3).visit(Lease(request, 1)))
        if not outcomes[-1].found:
            break
        (request,) = outcomes[-1].found
    assert len(web.asked) == 4
    assert (outcomes[-1].disposition, outcomes[-1].reason) == (Disposition.FAILED, Reason.TOO_MANY_REDIRECTS)
    assert outcomes[-1].detail == "4 in a row"


async def test_a_page_that_redirects_to_itself_says_so_and_is_tried_again_if_a_cookie_may_help() -> None:
    plain = await visit(302, to("#top"))
    assert (plain.disposition, plain.reason) == (Disposition.FAILED, Reason.TOO_MANY_REDIRECTS)
    assert plain.detail == "redirects to itself"
    web = Web({HERE.text: (302, [to("?q"), ("Set-Cookie", "seen=1")])})
    vain = await visitor(web).visit(Lease(Request(HERE), 1))
    assert vain.disposition is Disposition.FAILED
    assert vain.detail == "redirects to itself; fetch.cookies = true may help"
    keeping = await replace(visitor(web), keeps_cookies=True).visit(Lease(Request(HERE), 1))
    assert keeping.disposition is Disposition.DEFERRED


async def test_a_redirect_out_of_scope_is_told_and_not_followed() -> None:
    web = Web({HERE.text: (301, [to("https://other.test/")])})
    root = Url("http://site.test/")
    outcome = await visitor(web, reach="host").visit(Lease(Request(HERE, depth=1, via=root, root=root), 1))
    assert (outcome.disposition, outcome.reason) == (Disposition.REDIRECTED, Reason.OUT_OF_SCOPE)
    assert outcome.found == ()


async def test_a_fetch_that_may_fare_better_is_tried_again_and_no_more_often_than_allowed() -> None:
    class Down(Web):
        async def fetch(self, request: Request) -> Response:
            raise FetchError(Reason.CONNECT, "connection refused", transient=True)

    down = visitor(Down({}))
    first = await down.visit(Lease(Request(HERE), 1))
    assert (first.disposition, first.reason, first.retry_in_s) == (Disposition.DEFERRED, Reason.CONNECT, 3.0)
    last = await down.visit(Lease(Request(HERE, attempt=3), 1))
    assert (last.disposition, last.reason) == (Disposition.FAILED, Reason.CONNECT)


async def test_a_site_that_asks_to_be_left_alone_is() -> None:
    outcome = await visit(503, ("Retry-After", "40"))
    assert (outcome.disposition, outcome.reason) == (Disposition.DEFERRED, Reason.STATUS_5XX)
    assert (outcome.retry_in_s, outcome.rest_s, outcome.asked_s) == (40.0, 40.0, 40.0)


async def test_what_was_lent_before_a_site_asked_to_be_left_alone_waits_too() -> None:
    web = Web({HERE.text: (429, [("Retry-After", "40")]), "http://other.test/": (200, [])})
    visitors = visitor(web)
    await visitors.visit(Lease(Request(HERE), 1))
    late = await visitors.visit(Lease(Request(HERE), 2, is_alone=False))
    assert (late.disposition, late.reason, late.retry_in_s, late.rest_s) == (Disposition.DEFERRED, None, 0.0, 0.0)
    assert len(web.asked) == 1
    other = await visitors.visit(Lease(Request(Url("http://other.test/")), 3))
    assert other.disposition is Disposition.FETCHED


class Asking(IgnoreRobots):
    """A site that asks for a Crawl-delay."""

    async def rules(self, request: Request) -> tuple[Rules, bool]:
        return RobotsRules(delay_s=4.0), False


@pytest.mark.parametrize(("is_alone", "asked"), [(True, 1), (False, 0)])
async def test_a_site_that_asks_for_a_crawl_delay_is_asked_only_by_a_visit_that_is_alone(
    is_alone: bool, asked: int
) -> None:
    web = Web({HERE.text: (200, [])})
    outcome = await replace(visitor(web), robots=Asking()).visit(Lease(Request(HERE), 1, is_alone=is_alone))
    assert len(web.asked) == asked
    assert (outcome.asked_s, outcome.rest_s) == (4.0, 4.0 * asked)
    assert outcome.disposition is (Disposition.FETCHED if asked else Disposition.DEFERRED)


async def test_an_exchange_that_failed_is_followed_by_the_rest_the_site_asks_for() -> None:
    class Down:
        async def fetch(self, request: Request) -> Response:
            raise FetchError(Reason.TIMEOUT, "no answer", transient=True)

    plain, adapting = make_politeness(adapt=None), make_politeness()
    for politeness, rest_s in ((plain, 4.0), (adapting, 8.0)):
        asked = replace(visitor(Web({})), robots=Asking(), fetcher=Down(), politeness=politeness)
        outcome = await asked.visit(Lease(Request(HERE), 1))
        assert (outcome.reason, outcome.rest_s, outcome.asked_s) == (Reason.TIMEOUT, rest_s, 4.0)


async def test_a_site_in_trouble_rests_longer_each_time_and_every_visit_of_it_knows() -> None:
    elsewhere = Url("http://other.test/")
    web = Web({HERE.text: (503, []), elsewhere.text: (200, [])})
    asked = visitor(web)
    rests = [(await asked.visit(Lease(Request(HERE), n))).rest_s for n in range(4)]
    assert rests == [2.0, 4.0, 8.0, 16.0]
    web.answers[HERE.text] = (200, [])
    assert (await replace(asked, politeness=make_politeness()).visit(Lease(Request(HERE), 5))).rest_s < 16.0
    assert (await asked.visit(Lease(Request(elsewhere), 6))).rest_s == 1.0
    off = replace(asked, politeness=make_politeness(adapt=None))
    assert (await off.visit(Lease(Request(HERE), 7))).rest_s == 1.0


async def test_a_slow_site_rests_longer() -> None:
    class Slow(Web):
        async def fetch(self, request: Request) -> Response:
            return replace(await super().fetch(request), ip="192.0.2.1", timings=Timings(ttfb=10_500))

    outcome = await visitor(Slow({HERE.text: (200, [])})).visit(Lease(Request(HERE), 1))
    assert (outcome.disposition, outcome.rest_s) == (Disposition.FETCHED, 6.0)


async def test_a_visit_that_makes_no_request_rests_as_the_site_does_now_and_teaches_nothing() -> None:
    asked = visitor(Web({HERE.text: (503, [])}))
    await asked.visit(Lease(Request(HERE), 1))
    unreachable = FetchError(Reason.ROBOTS_UNREACHABLE, "HTTP 503", transient=True)

    class Silent(Asking):
        async def rules(self, request: Request) -> tuple[Rules, bool]:
            raise unreachable

    outcome = await replace(asked, robots=Silent()).visit(Lease(Request(HERE), 2))
    assert (outcome.reason, outcome.rest_s) == (Reason.ROBOTS_UNREACHABLE, 2.0)


class Offloader(Inline):
    """Workers that die of a page as such, and may die of the scan as well. Keeps what sizes it was told."""

    def __init__(self, *, scan_fails: bool = False) -> None:
        self.scan_fails = scan_fails
        self.sizes: list[int] = []

    async def run(self, work: Callable[..., T], /, *args: object, size: int = 0) -> T:
        self.sizes.append(size)
        document = args[0]
        assert isinstance(document, Document)
        if self.scan_fails or not document.is_suspect:
            raise OffloadError(Reason.PARSE_TIMEOUT, "more than 10 CPU seconds")
        return work(*args)


@pytest.mark.parametrize("scan_fails", [False, True])
async def test_a_page_that_a_worker_died_of_is_scanned_for_its_links(scan_fails: bool) -> None:
    asked = replace(visitor(Web({HERE.text: (200, [])})), offloader=Offloader(scan_fails=scan_fails))
    outcome = await asked.visit(Lease(Request(HERE), 1))
    assert outcome.reason is Reason.PARSE_TIMEOUT
    assert "10 CPU seconds" in outcome.detail
    assert outcome.disposition == (Disposition.FAILED if scan_fails else Disposition.FETCHED)
    assert scan_fails or (outcome.page and outcome.page.title == "hello")


async def test_a_small_body_in_a_coding_is_never_read_on_the_loop() -> None:
    """A kilobyte of it may be a bomb."""
    offloader = Offloader()
    web = Web({HERE.text: (200, [("content-encoding", "gzip")])})
    await replace(visitor(web), offloader=offloader).visit(Lease(Request(HERE), 1))
    assert min(offloader.sizes) >= MOST_INLINE_BYTES


async def test_the_users_own_function_never_runs_on_the_loop_however_small_the_body() -> None:
    offloader = Offloader()
    asked = visitor(Web({HERE.text: (200, [])}))
    asked = replace(asked, offloader=offloader, job=replace(asked.job, extract=repr))
    await asked.visit(Lease(Request(HERE), 1))
    assert min(offloader.sizes) >= MOST_INLINE_BYTES
    with pytest.raises(ConfigError, match="inline_below_bytes"):
        load(settings={"inline_below_bytes": MOST_INLINE_BYTES + 1})
