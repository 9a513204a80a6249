"""Which pattern a page is judged by, who vouches for it, and how a parked pattern comes back."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from crawler.model import Disposition, Lease, Links, Outcome, Page, Request, Url
from crawler.policy.traps import Novelty, StoredPattern
from tests.hostile.calendars import book
from tests.hostile.endless import crawl

HOST = "http://h.test"
ROOT = Url(f"{HOST}/")
_tokens = itertools.count()
DULL = Page(b"", length=1, kind="html", gist=1)


def links(*paths: str) -> Links:
    return Links("\n".join(f"{HOST}{path}" for path in paths), bytes(8 * len(paths)))


def request(path: str, via: str | None) -> Request:
    return Request(Url(HOST + path), 3, Url(HOST + via) if via else None, root=ROOT)


def visit(novelty: Novelty, path: str, via: str | None, page: Page = DULL, *, is_copy: bool = False) -> None:
    """Fold one page."""
    what = Disposition.DUPLICATE if is_copy else Disposition.FETCHED
    novelty.fold(Outcome(Lease(request(path, via), next(_tokens)), what, page=page))


def walk(novelty: Novelty, prefix: str, pages: int, *, first: int = 1, via: str | None = None) -> None:
    """A chain of dull pages; the first is found on `via`."""
    for n in range(first, first + pages):
        visit(novelty, f"{prefix}{n}", via if via and n == first else f"{prefix}{n - 1}")


def parked(novelty: Novelty) -> list[str]:
    return [trap.pattern.removeprefix(HOST) for trap in novelty.traps]


def is_parked(novelty: Novelty, path: str) -> bool:
    return novelty.trap(HOST + path) is not None


# -- the smallest pattern that has evidence --------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_book_without_end_takes_no_other_with_it() -> None:
    result = await crawl(book, "http://trap.example/")
    assert [trap.pattern for trap in result.traps] == ["http://trap.example/book/3/page/#"]
    assert len([url for url in result.urls if "/book/3/" not in url]) == 1 + 7 * 150


def test_many_dull_books_are_parked_one_by_one_and_a_book_that_a_list_names_is_begun_all_the_same() -> None:
    novelty = Novelty("park")
    for n in range(20):
        walk(novelty, f"/book/{n}/page/", 140, via="/library")
    assert set(parked(novelty)) == {f"/book/{n}/page/#" for n in range(20)}
    for n in range(100, 300):
        visit(novelty, f"/book/{n}/page/2", f"/book/{n}/page/1")
    assert "/book/#/page/#" in parked(novelty)
    visit(novelty, "/book/77/page/1", "/library")
    assert novelty.refuses(request("/book/77/page/2", "/book/77/page/1")) is None
    assert novelty.refuses(request("/book/78/page/2", "/book/78/page/1"))


def test_a_book_that_does_well_is_not_parked_by_what_all_others_are_like() -> None:
    novelty = Novelty("park")
    for n in range(40):
        visit(novelty, f"/book/1/page/{n}", f"/book/1/page/{n - 1}", _shows(n))
    for n in range(2, 200):
        visit(novelty, f"/book/{n}/page/1", f"/book/{n - 1}/page/1")
    assert parked(novelty) == ["/book/#/page/#"]
    assert not is_parked(novelty, "/book/1/page/41")
    assert is_parked(novelty, "/book/300/page/2")


def _shows(picture: int) -> Page:
    return Page(b"", length=1, kind="html", gist=1, media=(2 * 977 * picture).to_bytes(4, "little"))


# -- who vouches -----------------------------------------------------------------------------------------------------


def test_links_of_a_list_are_followed_into_a_pattern_that_is_parked() -> None:
    novelty = Novelty("park")
    walk(novelty, "/calendar/", 140)
    assert parked(novelty) == ["/calendar/#"]
    visit(novelty, "/list", "/")
    assert novelty.refuses(request("/calendar/900", "/list")) is None
    assert novelty.refuses(request("/calendar/900", "/calendar/899"))
    named = links("/calendar/900", "/calendar/901")
    assert len(novelty.sift(named, Url(f"{HOST}/list")).links) == 2
    assert len(novelty.sift(named, Url(f"{HOST}/calendar/140")).links) == 0


@pytest.mark.parametrize(("leads_on", "is_left"), [(False, False), (True, True)])
def test_copies_that_a_list_names_are_finite_unless_they_lead_on(leads_on: bool, is_left: bool) -> None:
    novelty = Novelty("park")
    page = Page(b"", length=1, kind="html", gist=1, news=links("/thread/9000") if leads_on else Links())
    for n in range(200):
        visit(novelty, f"/thread/{n}", "/list", page, is_copy=True)
    assert bool(parked(novelty)) is is_left


def test_what_lies_between_the_first_and_the_last_that_a_list_names_is_finite_after_a_restart_too() -> None:
    novelty = Novelty("park")
    visit(novelty, "/chapter/1", "/contents")
    visit(novelty, "/chapter/400", "/contents")
    walk(novelty, "/chapter/", 100, first=2)
    stored = {one.name: one for one in novelty.take_changed()}
    again = Novelty("park", stored=stored.values())
    walk(again, "/chapter/", 200, first=102)
    assert parked(again) == []
    walk(again, "/chapter/", 200, first=401)
    assert parked(again) == ["/chapter/#"]


def test_an_end_that_stands_is_believed_and_one_that_moves_is_not() -> None:
    for moves, left in ((0, []), (1, ["/list/#"])):
        novelty = Novelty("park")
        for n in range(200):
            page = Page(b"", length=1, kind="html", gist=1, end=(300 + moves * n, 7))
            visit(novelty, f"/list/{n}", f"/list/{n - 1}", page)
        assert parked(novelty) == left


def test_no_more_pages_are_believed_than_the_end_allows() -> None:
    novelty = Novelty("park")
    for n in range(400):
        visit(novelty, f"/list/{n}", f"/list/{n - 1}", Page(b"", length=1, kind="html", gist=1, end=(100, 7)))
    assert parked(novelty) == ["/list/#"]


# -- coming back -----------------------------------------------------------------------------------------------------


def test_a_pattern_that_the_rule_for_all_the_rest_of_a_site_parked_comes_back() -> None:
    novelty, via = Novelty("park"), "/"
    for n in range(200):
        path = f"/{'abcdefghij'[n % 10]}/{'klmnopqrst'[n // 10 % 10]}/{'uv'[n // 100]}"
        visit(novelty, path, via)
        via = path
    assert parked(novelty) == ["/**"]
    visit(novelty, "/b/a/a", via, DULL)
    assert novelty.take_recovered() == []
    visit(novelty, "/c/a/a", via, _shows(1))
    assert novelty.take_recovered() == [f"{HOST}/**"]
    assert novelty.take_recovered() == []


def test_a_pattern_comes_back_by_one_of_its_books() -> None:
    novelty = Novelty("park")
    for n in range(200):
        visit(novelty, f"/book/{n}/page/1", f"/book/{n - 1}/page/1")
    assert parked(novelty) == ["/book/#/page/#"]
    visit(novelty, "/book/900/page/1", "/book/899/page/1", _shows(1))
    assert novelty.take_recovered() == [f"{HOST}/book/#/page/#"]


def test_what_somebody_trusts_is_never_parked_again_nor_is_a_book_of_it() -> None:
    novelty = Novelty("park")
    walk(novelty, "/book/1/page/", 140)
    novelty.trust(f"{HOST}/book/#/page/#")
    walk(novelty, "/book/2/page/", 300)
    assert not is_parked(novelty, "/book/1/page/900")
    assert not is_parked(novelty, "/book/2/page/900")


# -- bounds ----------------------------------------------------------------------------------------------------------


def test_books_are_remembered_in_bounds_and_restored() -> None:
    novelty = Novelty("park", most=50)
    for n in range(300):
        walk(novelty, f"/book/{n}/page/", 2)
    assert len(novelty) <= 2 * 50
    stored = StoredPattern("http://h.test/book/7/page/#", 2, 140, 1, 3, "0 0 + =1f:1:ff http://h.test/book/7/page/1")
    again = Novelty("park", stored=[stored])
    assert is_parked(again, "/book/7/page/900")
    assert not is_parked(again, "/book/8/page/900")
    [trap] = again.traps
    assert (trap.parked, trap.examples) == (3, ("http://h.test/book/7/page/1",))


# -- revisits --------------------------------------------------------------------------------------------------------


def revisit(novelty: Novelty, path: str, via: str) -> None:
    asked = replace(request(path, via), visit=2)
    novelty.fold(Outcome(Lease(asked, next(_tokens)), Disposition.FETCHED, page=DULL))


def test_revisits_tell_nothing_of_a_pattern() -> None:
    novelty = Novelty("park")
    for _ in range(3):
        for n in range(200):
            revisit(novelty, f"/calendar/{n}", f"/calendar/{n - 1}")
    assert (parked(novelty), len(novelty), novelty.take_changed()) == ([], 0, [])
    walk(novelty, "/calendar/", 140)
    [before] = novelty.traps
    for n in range(200):
        revisit(novelty, f"/calendar/{n}", f"/calendar/{n - 1}")
    assert novelty.traps == (before,)


def test_what_was_worth_a_visit_is_revisited_though_its_pattern_is_parked_by_now() -> None:
    novelty = Novelty("park")
    walk(novelty, "/calendar/", 140)
    again = replace(request("/calendar/100", "/calendar/99"), visit=2)
    assert [novelty.refuses(again) for _ in range(100)] == [None] * 100
    assert novelty.refuses(request("/calendar/900", "/calendar/899"))
