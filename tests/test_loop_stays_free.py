"""What strangers write and the event loop reads takes moments, at the bounds that we allow; longer texts go elsewhere.

Every bound here is several times what it takes, and a fraction of what it took before it was bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from crawler import urls
from crawler.errors import UrlError
from crawler.fetch.cookies import Cookies
from crawler.fetch.wire import MAX_FIELD_BYTES, MAX_FIELDS, MAX_HEAD_BYTES
from crawler.frontier.discovery import FoundLinks
from crawler.frontier.order import Entry
from crawler.frontier.visit_checks import VisitChecks
from crawler.model import Disposition, Lease, Links, Outcome, Page, Request, Response, Url
from crawler.parse import Document, blocked, parse
from crawler.parse.data import MAX_BYTES as MAX_DATA
from crawler.parse.page import MAX_TEXT
from crawler.policy import redirects
from crawler.policy.politeness import setback
from crawler.policy.traps import StoredPattern
from crawler.policy.traps.pattern import Standing
from crawler.protocols import Fetcher, Frontier, Offloader, Robots, Rules
from crawler.robots import INLINE_BYTES, RobotsRules
from crawler.robots import parse as parse_robots
from crawler.sinks import JsonLines, Wants
from crawler.visit import MAX_SITEMAPS, Visitor
from tests.cpu_time import check_least, check_time, cpu_s
from tests.defaults import make_job, make_politeness, make_scope, make_terms, make_workers

HERE = Url("http://a.test/shop/")
FIELD = MAX_FIELD_BYTES - 100
SHARE = MAX_HEAD_BYTES // MAX_FIELDS - 20
"""Bytes that each of as many fields as there may be can have."""
JOB = make_job(key=b"k" * 16, run=b"", bounds=make_scope("any"))


def repeated(unit: bytes, size: int) -> bytes:
    """`%d` in the unit is its number."""
    pieces: list[bytes] = []
    left = size
    for number in count():
        piece = unit.replace(b"%d", b"%d" % number)
        left -= len(piece)
        if left < 0:
            return b"".join(pieces)
        pieces.append(piece)
    raise AssertionError


# --- robots.txt ---


@pytest.mark.parametrize(
    "unit", [b"Allow:%d\n", b"Allow:\xff\n", b"User-agent: *\n", b"\n", b"Allow:/%d/index.htm\n", b"Disallow:*%d*$\n"]
)
def test_a_short_robots_txt(unit: bytes) -> None:
    body = b"User-agent: *\n" + repeated(unit, INLINE_BYTES - 14)
    check_time(lambda: parse_robots(body, "storybot"), 0.006)  # 8 kB were read here, in 2 to 130 ms


class Named:
    """A robots.txt that names as many sitemaps as are read."""

    delay_s: float | None = None
    sitemaps: Sequence[str] = tuple(f"http://a.test/{'x' * 400}{number}.xml" for number in range(MAX_SITEMAPS))


def test_the_sitemaps_that_a_robots_txt_names() -> None:
    nobody = object()
    visitor = Visitor(
        cast(Robots, nobody), cast(Fetcher, nobody), cast(Offloader, nobody), cast(Frontier, nobody),
        make_scope("any"), make_politeness(), JOB,
    )  # fmt: skip

    def longest() -> float:
        reading = visitor._sitemaps(Request(HERE), cast(Rules, Named()))
        found: Sequence[Request] = ()
        spent = []

        def step() -> None:
            nonlocal found
            try:
                reading.send(None)
            except StopIteration as done:
                found = done.value

        while not found:
            spent.append(cpu_s(step))
        assert len(found) == MAX_SITEMAPS
        return max(spent)

    check_least(longest, 0.012)  # it was 18 ms without a turn of the loop


def test_no_more_sitemaps_are_kept_than_are_read() -> None:
    rules = parse_robots(repeated(b"Sitemap: /%d.xml\n", 100_000), "storybot")
    assert isinstance(rules, RobotsRules)
    assert len(rules.sitemaps) == MAX_SITEMAPS
    assert parse_robots(b"Sitemap: /" + b"x" * 9000, "storybot").sitemaps == ()


# --- answers ---


@pytest.mark.parametrize(
    "location",
    [
        b"/" + b"\xff" * FIELD,
        b"//" + "\u00fc".encode() * (FIELD // 2),
        b"//" + b"%CC%95%CC%96" * (FIELD // 12),
        b"//" + b"%CC%95%CC%96" * (redirects.MAX_REFERENCE // 12),
        b"//" + b"@" * FIELD,
        b"/" + b"\xff" * (redirects.MAX_REFERENCE - 1),
        b"//xn--" + b"a" * (redirects.MAX_REFERENCE - 6),
        b"/a/.." * (redirects.MAX_REFERENCE // 5),
    ],
    ids=["octets", "letters", "marks", "fewer marks", "ats", "fewer octets", "an encoded name", "dots"],
)
def test_where_a_redirect_leads(location: bytes) -> None:
    response = Response(HERE, 302, ((b"Location", location),))

    def target() -> None:
        try:
            urls.parse(redirects.location(response), HERE, JOB.policy)
        except UrlError:
            pass

    check_time(target, 0.012)  # it was 36 ms


@pytest.mark.parametrize(
    "field",
    [
        "a%d=1" + ";" * 5000,
        "a%d=1" + ";a" * 2500,
        "a%d=1" + (";" + "a" * 300) * 15,
        "a%d=1; Expires=" + "1 " * 30,
        "a%d=1; Expires=" + ":1" * 2000,
        "a%d=" + "x" * 4000,
        "a%d=1; Domain=" + "a." * 500,
        "a=1; Path=/shop/%d",
    ],
)
def test_cookies_that_an_answer_sets(field: str) -> None:
    fields = [field.replace("%d", str(number)) for number in range(MAX_FIELDS)]
    check_time(lambda: Cookies().keep(HERE, fields), 0.015)  # it was 6 to 80 ms


def test_cookies_of_a_site_that_set_all_it_may() -> None:
    cookies = Cookies()
    for start in (0, 50):
        cookies.keep(Url("https://a.test/"), [f"n{start + n}={'v' * 4000}; Path=/; Secure" for n in range(50)])
    again = [f"n{n}={'v' * 4000}; Path=/" for n in range(50)]
    check_time(lambda: cookies.keep(HERE, again), 0.015)
    check_time(lambda: cookies.keep(HERE, [f"m{n}=1" for n in range(50)]), 0.015)
    check_time(lambda: cookies.of(Url("https://a.test/")), 0.005)


@pytest.mark.parametrize("unit", ["9", "Mon, ", "Sun, 06 Nov 1994 ", "Jan ", ":", "1:", "+", "("])
def test_when_a_server_wants_us_back(unit: str) -> None:
    response = Response(HERE, 503, ((b"Retry-After", (unit * FIELD)[:FIELD].encode()),))
    check_time(lambda: setback(response, 0.0), 0.005)


def test_a_head_of_many_fields() -> None:
    fields = tuple((b"X-Field-%d" % number, b" " * SHARE) for number in range(MAX_FIELDS))
    response = Response(HERE, 302, fields)

    def look() -> None:
        blocked.by_fields(response.headers)
        redirects.is_redirect(response)
        for name in ("content-type", "content-encoding", "etag", "refresh"):
            response.header(name)
        response.all("link")

    check_time(look, 0.01)


# --- pages ---


@pytest.mark.parametrize(
    "unit",
    [b"<a href=//xn--a%d>", b"<a href=%d>", b"<a href=^%d>", b"<b><p></b>", b"<table>", b"<a a%d=1>", b"%d ", b"\xe9 "],
)
def test_a_page_that_is_small_enough(unit: bytes) -> None:
    body = repeated(unit, make_workers().inline_below_bytes - 1)
    runs = count()

    def read() -> None:  # each time in a run that knows no link yet
        job = make_job(key=b"k" * 16, run=b"free%d" % next(runs), bounds=make_scope("any"))
        parse(Document(url=HERE, body=body, content_type="text/html", anchor=HERE, depth=0, status=200), job)

    read()
    check_time(read, 0.015)


# --- links ---

PARKED = StoredPattern("http://a.test/calendar/#", int(Standing.PARKED), 300, 1, 0, "0 0")


def _many_links(number: int) -> tuple[Outcome, Entry]:
    """A page of a site with a trap, whose links take long to judge; every fourth one leads into the trap."""
    query = "&" * 1500
    texts = [f"http://a.test/{'list' if n % 2 else 'calendar'}/{n}{'' if n % 4 == 0 else f'?{n}{query}'}" for n in
             range(number)]  # fmt: skip
    news = Links("\n".join(texts), urls.fingerprints(texts, JOB.key))
    request = Request(Url("http://a.test/calendar/1"), 1, HERE, HERE)
    outcome = Outcome(Lease(request, 7), Disposition.FETCHED, page=Page(b"d" * 32, kind="html", length=9, news=news))
    return outcome, Entry(7, request, 0, 0)


def test_links_of_a_page_are_judged_in_parts() -> None:
    visit = _many_links(5000)

    def longest() -> float:
        bars = VisitChecks(make_terms(traps="park"), [PARKED], {})
        ahead = bars.sift_ahead([visit[0]])
        spent = [cpu_s(lambda: next(ahead, None)) for _ in range(100)]
        spent.append(cpu_s(lambda: harvests.append(bars.sift([visit])[0])))
        return max(spent)

    harvests: list[Sequence[FoundLinks]] = []
    check_least(longest, 0.03)  # 70 ms in one part; it was 1.5 s
    assert {harvest.pattern: len(harvest.links) for harvest in harvests[-1]} == {"": 3750, PARKED.name: 1250}


def test_links_that_were_judged_are_judged_anew_once_somebody_trusts_their_pattern() -> None:
    visit = _many_links(500)
    bars = VisitChecks(make_terms(traps="park"), [PARKED], {})
    assert list(bars.sift_ahead([visit[0]]))
    bars.trust(PARKED.name)
    harvests, _ = bars.sift([visit])
    assert {harvest.pattern: len(harvest.links) for harvest in harvests} == {"": 500}


# --- records ---


def _outcome(headers: tuple[tuple[bytes, bytes], ...] = (), **page: object) -> Outcome:
    response = Response(HERE, 200, headers)
    return Outcome(
        Lease(Request(HERE), 1),
        Disposition.FETCHED,
        response=response,
        page=Page(b"d" * 32, **page),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "outcome",
    [
        _outcome(((b"ETag", b"\x85" * FIELD), (b"Last-Modified", b"\x85" * FIELD), (b"Content-Type", b"\x85" * FIELD))),
        _outcome(tuple((b"X", b"\x85" * SHARE) for _ in range(MAX_FIELDS))),
        _outcome(text="\u202e" * MAX_TEXT),
        _outcome(text="\xe9\u202e" * (MAX_TEXT // 2)),
        _outcome(title="\u202e" * 2000, description="\u202e" * 2000),
        _outcome(data_json=b'"' + "\u202e".encode() * (MAX_DATA // 3 - 2) + b'"'),
    ],
    ids=["validators", "fields", "text", "mixed text", "title", "data"],
)
def test_a_record_of_what_acts_on_terminals(outcome: Outcome, tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "pages.jsonl", Wants(links=True, text=True, headers=True))
    with asyncio.Runner() as runner:
        runner.run(sink.rewind(None))
        # Of this thread alone: 40 ms if it were made here; it was 240 ms, and 1.3 s for a text.
        check_time(lambda: runner.run(sink.write([outcome])), 0.02)
