"""What of an outcome is compared: a page's bytes and text, a redirect's target, and whether a cache answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crawler.model import Disposition, Lease, Outcome, Page, Request, Response, Timings, Url
from crawler.policy.answers.compared import answer, start_time
from tests.defaults import make_politeness

HERE = Url("http://a.test/item/17")


def got(*fields: tuple[str, str], page: Page | None = None, attempt: int = 1, is_reread: bool = False) -> Outcome:
    lease = Lease(Request(HERE, attempt=attempt, is_reread=is_reread), 4)
    headers = tuple((name.encode(), value.encode()) for name, value in fields)
    response = Response(HERE, 200, headers, timings=Timings(dns=100, connect=200, ttfb=300, download=400, queue=9000))
    return Outcome(lease, Disposition.FETCHED, response=response, page=page, ended=50.0)


def to(target: str) -> tuple[int, int]:
    given = answer(got(), make_politeness(), Url(target))
    return given.content, given.gist


def test_an_exchange_began_as_long_before_its_end_as_it_took() -> None:
    assert start_time(got()) == 49.0


def test_an_empty_page_is_compared_by_its_bytes_and_one_with_text_by_its_letters_too() -> None:
    page = Page(b"\x00" * 7 + b"\x05" + b"\x00" * 24, gist=7)
    assert answer(got(page=page), make_politeness())[2:5] == (5, 5, 0)
    assert answer(got(page=replace(page, simhash=9)), make_politeness())[2:4] == (5, 7)


def test_words_are_compared_under_one_title_only() -> None:
    one, near, other = (
        answer(got(page=Page(b"1" * 32, simhash=9 + bits, title=title)), make_politeness()).simhash
        for bits, title in ((0, "Down"), (2, "Down"), (0, "Item 7"))
    )
    assert (one ^ near).bit_count() == 1
    assert (one ^ other).bit_count() > 1


def test_pages_that_differ_in_their_pictures_show_something_else() -> None:
    one, other = (answer(got(page=Page(b"1" * 32, media=media)), make_politeness()) for media in (b"1", b"2"))
    assert one.figures != other.figures


def test_redirects_are_alike_that_say_where_they_come_from() -> None:
    assert to("http://a.test/login?next=/item/17")[1] == to("http://a.test/login?to=%2Fitem%2F17")[1]
    assert to("http://a.test/new?id=17")[1] != to("http://a.test/new?id=18")[1]
    assert to("http://a.test/down") == to("http://a.test/down")


@pytest.mark.parametrize(
    ("name", "value", "is_kept"),
    [("Age", "30", True), ("Age", "0", False), ("X-Cache", "HIT from x", True), ("X-Cache", "MISS", False)],
)
def test_a_cache_says_that_it_answered(name: str, value: str, is_kept: bool) -> None:
    assert answer(got((name, value), is_reread=True), make_politeness()).is_kept is is_kept
    assert not answer(got((name, value)), make_politeness()).is_kept


def test_the_last_attempt_is_known() -> None:
    assert [answer(got(attempt=n), make_politeness(max_attempts=3)).is_last for n in (1, 2, 3)] == [False, False, True]
