"""Of a page's links only the news travels, and nothing that should have travelled is ever held back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.model import LeftOut, Page, Url
from crawler.parse import Document, ParseJob, parse
from crawler.parse.links import KINDS
from crawler.parse.news import MAX_RUNS, Memory, memory_of
from crawler.policy.admitted import Admitted
from crawler.policy.scope import Reach, place, places
from tests.defaults import make_job, make_scope

KEY = b"sixteen bytes ..."
RUNS = iter(range(10**9))
ROOT = urls.parse("http://h/")


def fresh_job(max_depth: int | None = None) -> ParseJob:
    """A job of a run that no worker remembers."""
    return make_job(key=KEY, run=f"test-news-{next(RUNS)}".encode(), bounds=make_scope(max_depth=max_depth))


def document(*hrefs: str, url: str = "http://h/page", anchor: Url = ROOT, depth: int = 0) -> Document:
    body = "".join(f'<a href="{href}">x</a>' for href in hrefs).encode()
    return Document(urls.parse(url), body, "text/html; charset=utf-8", anchor=anchor, depth=depth)


def news(page: Page) -> list[str]:
    return page.news.split()


def test_a_page_reports_each_of_its_links_once_in_order() -> None:
    page = parse(document("/b", "/a", "b", "http://h/a#part", "/c"), fresh_job())
    assert news(page) == ["http://h/b", "http://h/a", "http://h/c"]
    assert page.n_links == 3


def test_news_carries_the_fingerprints_that_the_frontier_would_make() -> None:
    page = parse(document("/a", "/b"), fresh_job())
    packed = page.news.fingerprints
    assert [int.from_bytes(packed[i : i + 8], "little") for i in (0, 8)] == [
        urls.fingerprint(text, KEY) for text in news(page)
    ]
    assert len(page.news) == 2


def test_what_was_reported_is_not_news_again_in_that_run() -> None:
    job = fresh_job()
    assert news(parse(document("/a", "/b"), job)) == ["http://h/a", "http://h/b"]
    page = parse(document("/b", "/c", url="http://h/other"), job)
    assert news(page) == ["http://h/c"]
    assert page.n_links == 2


def test_another_run_knows_nothing_of_it() -> None:
    parse(document("/a"), fresh_job())
    assert news(parse(document("/a"), fresh_job())) == ["http://h/a"]


def test_a_page_is_no_news_to_itself() -> None:
    page = parse(document("", "#top", "page", "/a"), fresh_job())
    assert news(page) == ["http://h/a"]
    assert page.n_links == 2


def test_a_page_without_links_reports_nothing() -> None:
    page = parse(document(), fresh_job())
    assert (page.news.texts, page.news.fingerprints, page.news.split(), len(page.news)) == ("", b"", [], 0)


def test_links_out_of_scope_are_counted_and_not_reported() -> None:
    page = parse(document("http://other/", "/a", "mailto:me", "ftp://h/"), fresh_job())
    assert news(page) == ["http://h/a"]
    assert page.n_links == 2


def test_what_one_root_may_not_reach_another_may() -> None:
    job = fresh_job()
    assert news(parse(document("http://other/x"), job)) == []
    beyond = document("http://other/x", url="http://other/", anchor=urls.parse("http://other/"))
    assert news(parse(beyond, job)) == ["http://other/x"]


def test_what_lies_too_deep_from_one_page_may_be_near_another() -> None:
    job = fresh_job(max_depth=3)
    assert news(parse(document("/a", depth=3), job)) == []
    assert news(parse(document("/a", depth=2), job)) == ["http://h/a"]


def test_the_depth_of_the_job_bounds_any_bounds() -> None:
    job = replace(fresh_job(), max_depth=1)
    assert news(parse(document("/a", depth=1), job)) == []
    assert news(parse(document("/a", depth=0), job)) == ["http://h/a"]


def test_a_page_that_asks_not_to_be_followed_hides_its_links_from_nobody_else() -> None:
    job = fresh_job()
    asking = document("/a")
    asking = replace(asking, body=b"<meta name=robots content=nofollow>" + asking.body)
    page = parse(asking, job)
    assert (news(page), page.n_links) == ([], 1)
    assert news(parse(document("/a"), job)) == ["http://h/a"]


def test_a_link_is_news_again_when_it_is_found_nearer_to_a_seed() -> None:
    job = fresh_job(max_depth=9)
    assert news(parse(document("/a", depth=3), job)) == ["http://h/a"]
    assert news(parse(document("/a", depth=3), job)) == []
    assert news(parse(document("/a", depth=5), job)) == []
    assert news(parse(document("/a", "/b", depth=1), job)) == ["http://h/a", "http://h/b"]
    assert news(parse(document("/a", depth=2), job)) == []


UNSOUGHT = LeftOut.KINDS | LeftOut.REQUISITES
"""What nobody looked for in an HTML page."""


@pytest.mark.parametrize(
    ("hrefs", "settings", "left_out"),
    [
        (["/a"], {}, LeftOut(0)),
        (["/a", "http://other/"], {}, LeftOut.REACH),
        (["/a", "/x/b"], {}, LeftOut.PATTERNS),
        (["r/r/"], {"at": "http://h/r/r/r/"}, LeftOut.REPEATS),
        (["/r/r/r/r/"], {}, LeftOut(0)),
        (["/a", "/b", "/c"], {"max_links": 2}, LeftOut.MAX_LINKS),
        (["/a", "http://other/", "/x/b"], {}, LeftOut.REACH | LeftOut.PATTERNS),
        (["/a"], {"max_depth": 0}, LeftOut.DEPTH),
        (["page"], {"max_depth": 0}, LeftOut(0)),
        ([], {"max_depth": 0}, LeftOut(0)),
        (['/a" rel="nofollow', "/b"], {"nofollow": "links"}, LeftOut.NOFOLLOW),
        (['/a" rel="nofollow', "/b"], {}, LeftOut(0)),
    ],
)
def test_a_page_tells_which_rules_kept_links_out(
    hrefs: list[str], settings: dict[str, object], left_out: LeftOut
) -> None:
    job = make_job(KEY, f"test-left-{next(RUNS)}".encode(), make_scope(exclude=("/x/*",)), follow=frozenset(KINDS))
    url = Url(str(settings.get("at", "http://h/page")))
    job = replace(job, **{name: value for name, value in settings.items() if name != "at"})  # type: ignore[arg-type]
    page = replace(document(*hrefs), url=url)
    for _ in range(2):  # whether its links were reported lately or not
        assert parse(page, job).left_out == left_out | LeftOut.REQUISITES
    assert parse(replace(page, is_suspect=True), job).left_out == left_out | LeftOut.REQUISITES


def test_a_page_that_asks_not_to_be_followed_tells_so() -> None:
    asking = replace(document("/a"), body=b"<meta name=robots content=nofollow><a href=/a>a</a>")
    assert parse(asking, fresh_job()).left_out == LeftOut.NOFOLLOW | UNSOUGHT
    assert parse(replace(asking, body=asking.body[:35]), fresh_job()).left_out == UNSOUGHT
    assert parse(asking, replace(fresh_job(), nofollow="ignore")).left_out == UNSOUGHT


def test_kinds_of_links_that_are_not_followed_may_be_left_out_of_html_alone() -> None:
    assert parse(document("/a"), fresh_job()).left_out == UNSOUGHT
    assert parse(document("/a"), replace(fresh_job(), follow=frozenset(KINDS))).left_out == LeftOut.REQUISITES
    assert parse(document("/a"), replace(fresh_job(), most_requisites=9)).left_out == LeftOut.KINDS
    assert parse(Document(ROOT, b"a{}", "text/css"), fresh_job()).left_out == LeftOut.REQUISITES
    assert parse(Document(ROOT, b"plain", "text/plain"), fresh_job()).left_out == 0


def fingerprints(*places: str) -> bytes:
    return urls.fingerprints(places, KEY)


@pytest.mark.parametrize(
    ("reach", "outside"),
    [
        ("page", ()),
        ("prefix", ("h", "b.org", "www.b.org", "c.org:81")),
        ("host", ("b.org", "www.b.org", "c.org:81")),
        ("domain", ("b.org", "c.org")),
        ("any", ()),
    ],
)
def test_the_places_out_of_reach_are_told_as_a_seed_there_would_be_looked_up(reach: Reach, outside: list[str]) -> None:
    job = replace(fresh_job(), bounds=make_scope(reach))
    hrefs = ["http://h/other/", "http://b.org/1", "https://b.org/2", "http://www.b.org/", "http://c.org:81/"]
    page = parse(document(*hrefs, url="http://h/in/page", anchor=urls.parse("http://h/in/")), job)
    assert page.outside == fingerprints(*outside)
    assert {place(href, reach) for href in hrefs} - {"h"} == set(outside) - {"h"} or reach in ("page", "any")


def test_a_link_out_of_reach_is_told_once_unless_it_is_found_nearer() -> None:
    job = fresh_job()
    assert parse(document("http://b/1", depth=2), job).outside == fingerprints("b")
    again = parse(document("http://b/1", depth=2), job)
    assert (again.outside, again.left_out & LeftOut.REACH) == (b"", LeftOut.REACH)
    assert parse(document("http://b/1", "http://b/2", depth=3), job).outside == fingerprints("b")
    assert parse(document("http://b/1", depth=1), job).outside == fingerprints("b")


def test_what_a_new_seed_lets_in_is_news_from_then_on() -> None:
    table = Admitted()
    table.add(places(ROOT, "host"))
    job = replace(fresh_job(), bounds=make_scope(admitted=table))
    assert news(parse(document("http://b/1"), job)) == []
    table.add(places(urls.parse("http://b/"), "host"))
    assert news(parse(document("http://b/1"), job)) == ["http://b/1"]


class Faulty:
    """Bounds with a bug that shows at one URL."""

    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def sieve(self, anchor: Url, depth: int, page: Url | None = None) -> Callable[[str], int]:
        def bit(text: str) -> int:
            if text.endswith("/b"):
                raise self._error(text)
            return 0

        return bit

    def reaches(self, anchor: Url) -> Callable[[str], bool]:
        return lambda text: True

    def sieve_beyond(self, page: Url) -> Callable[[str], int]:
        return self.sieve(page, 0)

    def place(self, text: str) -> str:
        return ""


@pytest.mark.parametrize("error", [LookupError, SystemExit])
def test_a_page_that_fails_half_way_takes_no_link_with_it(error: type[BaseException]) -> None:
    job = fresh_job()
    with pytest.raises(error):
        parse(document("/a", "/b"), replace(job, bounds=Faulty(error)))
    assert news(parse(document("/a", "/b"), job)) == ["http://h/a", "http://h/b"]


BASES = st.sampled_from(
    ["http://h/", "http://h/a/b", "http://h/a/", "https://h/a/b?x=/y/", "http://g/a/b", "http://h:81/a/b", "ftp://h/a/b",
     "data:,x", "http://h/a/c#d/e", "http://[::1]/a"]
)  # fmt: skip
PIECES = st.sampled_from(
    ["http://", "https://", "HTTP://", "http:", "https:", "//", "/", "\\", "?", "#", "..", ".", "h", "g", "a", "b", " ",
     "\t", "\n", "@", ":", "mailto:", "ftp://", "%41", "ä", "\x0b", "\xa0", "x" * 600]
)  # fmt: skip
PAGES = st.lists(st.tuples(st.lists(st.lists(PIECES, max_size=5).map("".join), max_size=8), BASES), max_size=8)


@pytest.mark.slow
@given(PAGES, st.integers(0, 5000))
def test_what_is_remembered_of_hrefs_never_leads_elsewhere(pages: list[tuple[list[str], str]], size_bytes: int) -> None:
    """One memory over many pages, large enough or not, says what resolving each href afresh would say."""
    memory = Memory(size_bytes)
    for hrefs, base in pages:
        resolve = urls.make_resolver(base)
        expected = [text for href in hrefs if (text := resolve(href))]
        assert memory.resolve(hrefs, base).texts == list(dict.fromkeys(expected))


def test_a_full_memory_starts_over_and_only_repeats_itself() -> None:
    job, memory = fresh_job(), Memory(size_bytes=50_000)
    reported: list[str] = []
    for n in range(1000):
        found = memory.resolve([f"/{n}", f"/{n + 1}"], "http://h/page").texts
        told = memory.news(found, document(), 1, job)
        memory.mark(told, 1)
        reported += told.texts
    assert set(reported) == {f"http://h/{n}" for n in range(1001)}
    assert 1001 < len(reported) < 1100


def test_a_worker_remembers_few_runs_and_forgets_the_oldest() -> None:
    runs = [f"test-runs-{n}".encode() for n in range(MAX_RUNS + 1)]
    memories = [memory_of(run) for run in runs]
    assert [memory_of(run) for run in runs[1:]] == memories[1:]
    assert memory_of(runs[0]) is not memories[0]
