"""What tells a page from pages made alike: figures, pictures and documents, the end it names, its date."""

from __future__ import annotations

import random
import time

import pytest

from crawler.model import Page
from crawler.parse import Document, parse
from crawler.parse.evidence import MOST_MEDIA, Shown, evidence, numbers
from crawler.urls import parse as url
from tests.defaults import make_job, make_scope

YEAR = time.gmtime().tm_year


def read(body: str, at: str = "http://h.test/view/17", **job: frozenset[str]) -> Page:
    asked = make_job(key=b"key", run=random.randbytes(8), bounds=make_scope(), **job)
    return parse(Document(url(at), body.encode(), "text/html; charset=utf-8"), asked)


def apart(one: str, other: str, at: str = "http://h.test/view/17") -> int:
    """Buckets in which two texts differ."""
    bits = f"{numbers(one.encode(), at) ^ numbers(other.encode(), at):016x}"
    return sum(group != "0" for group in bits)


# -- figures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 5, 40, 400])
def test_one_other_figure_makes_little_difference_however_many_there_are(size: int) -> None:
    rng = random.Random(size)
    table = [str(rng.randrange(10**6)) for _ in range(size)]
    for _ in range(50):
        other = [*table[1:], str(rng.randrange(10**6))]
        assert apart(" ".join(table), " ".join(other)) <= 2


@pytest.mark.slow
def test_two_tables_of_other_figures_are_told_apart() -> None:
    rng = random.Random(1)
    tables = [" ".join(str(rng.randrange(10**4)) for _ in range(200)) for _ in range(50)]
    assert min(apart(one, other) for one in tables for other in tables if one is not other) > 8


@pytest.mark.parametrize(
    "text",
    [
        "Tuesday, 3 November 2026, 10:45:12",
        "3.11.2026",
        "20261103",
        "page 17, 16, 18; pages 10 to 25",
        "Items 321-340",
        "Items 161-170",
        "made in 0.0342 seconds",
        "Only 12 left, 99 sold",
        "",
    ],
)
def test_dates_and_what_follows_from_the_number_of_a_page_are_no_figures(text: str) -> None:
    assert numbers(text.encode(), "http://h.test/view/17") == 0


@pytest.mark.parametrize("text", ["24.99", "1,299.00 EUR", "SKU AB-48151", "4 823", "123456789"])
def test_prices_ids_and_amounts_are_figures(text: str) -> None:
    assert numbers(text.encode(), "http://h.test/view/17")


def test_numbers_in_cells_of_a_table_stand_apart() -> None:
    page = read("<table><tr><td>17</td><td>48151</td><td>62342</td></table>")
    assert page.numbers == numbers(b"48151 62342", "http://h.test/view/17")


# -- pictures and documents ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "<img src=/s/{}.jpg>",
        "<img src=/wait.gif data-src=/s/{}.jpg>",
        "<picture><source srcset='/s/{}.webp 2x'><img src=/old.jpg></picture>",
        "<video src=/film/{}.mp4></video>",
        "<video><source src=/film/{}.mp4></video>",
        "<audio src=/talk/{}.mp3></audio>",
        "<embed src=/doc/{}.pdf>",
        "<object data=/doc/{}.pdf></object>",
        "<iframe src=/leaf/{}/></iframe>",
        "<svg><image href=/s/{}.png></svg>",
        "<a href=/files/{}.PDF>report</a>",
        "<a href=files/{}.zip>all</a>",
        "<img src='data:image/png;base64," + "A" * 3000 + "{}'>",
    ],
)
@pytest.mark.parametrize("follow", [frozenset[str](), frozenset({"anchors", "images", "media", "frames"})], ids=len)
def test_another_picture_recording_or_document_is_told_whatever_is_followed(body: str, follow: frozenset[str]) -> None:
    one, other = (read(body.format(name), follow=follow).media for name in ("a1", "b2"))
    assert one
    assert one != other
    assert one == read(body.format("a1"), follow=follow).media


@pytest.mark.parametrize(
    "body",
    [
        "<img src=/pixel.gif?r={0}>",
        "<img src=/logo.png?v={0}>",
        "<img src=/logo.png;sid={0}>",
        "<img src=/t/{0}.gif width=1 height=1>",
        "<img src=//stats.test/track/{0}/x.gif>",
        "<img src=/captcha/{0}.png>",
        "<img src=/s{0}ab/logo.png>",
        "<img src=logo.png>",
        "<img src='data:image/png;base64,{0}'>",
        "<img src=#{0}>",
        "<a href=/calendar/{0}.ics>add to yours</a>",
        "<iframe src='about:blank?{0}'></iframe>",
    ],
)
def test_what_varies_in_nothing_but_a_query_a_session_or_a_pixel_tells_nothing(body: str) -> None:
    one, other = (read(body.format(n), f"http://h.test/s{n}ab/page/1").media for n in (8237482, 9912345))
    assert one == other


def test_of_many_pictures_some_are_told() -> None:
    page = read("".join(f"<img src=/s/{n}.jpg>" for n in range(1000)))
    assert len(page.media) == 4 * MOST_MEDIA


# -- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "at", "end"),
    [
        ("Page 17 of 300", "/view/17", 300),
        ("Page 17 of 300", "/view?page=17", 300),
        ("Page 17 of 300", "/view?page=16", 300),
        ("17/300", "/view-17", 300),
        ("Seite 17 von 300", "/view/17", 300),
        ("<b>17</b> / <b>300</b>", "/view/17.html", 300),
        ("<a href=/view?page=18>next</a><a href='/view?page=300'>last</a>", "/view?page=17", 300),
        ("Page 3 of 20", "/view/17", 0),
        ("<a href=/view?page=18>next</a>", "/view?page=17", 0),
        ("Page 17 of 300", "/view/register", 0),
        ("17/11/2026", "/view/17", 0),
        ("Day 3 of 30", "/events/2026/11/3", 0),
        ("<title>November 2026 - Monday</title><a href=/m?n=300>on</a>", "/m?n=17", 0),
    ],
)
def test_the_end_that_a_page_names_is_read(body: str, at: str, end: int) -> None:
    assert read(body, f"http://h.test{at}").end[0] == end


def test_pages_of_one_series_name_the_same_one() -> None:
    one, two, other = (
        read(f"Page {n} of 300", f"http://h.test/book/{book}/page/{n}") for book, n in ((7, 1), (7, 99), (8, 1))
    )
    assert one.end == two.end != other.end


# -- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "at", "is_ahead"),
    [
        ("<img src=/a.png>", f"/events/{YEAR + 2}/12/3", True),
        ("<img src=/a.png>", f"/events/{YEAR}/1/3", False),
        ("<img src=/a.png>", f"/events/3-12-{YEAR + 2}", True),
        (f"<title>Friday, 3 May {YEAR + 2}</title><img src=/a.png>", "/day?n=739000", True),
        (f"<title>Product {YEAR + 2}</title><img src=/a.png>", "/product/17", False),
        (f"<h1>May {YEAR + 2}</h1><table><td>" + "<td>".join(map(str, range(1, 31))) + "<img src=/a>", "/m?n=9", True),
    ],
)
def test_dates_far_ahead_are_seen(body: str, at: str, is_ahead: bool) -> None:
    assert read(body, f"http://h.test{at}").is_ahead is is_ahead


def test_a_picture_named_by_the_date_of_its_page_is_marked() -> None:
    page = read("<img src=/img/2026-11-03.png><img src=/img/harbour-4711.png>", "http://h.test/events/2026/11/3")
    hashes = memoryview(page.media).cast("I")
    assert sorted(one & 1 for one in hashes) == [0, 1]


def test_pictures_named_by_thousands_of_digits_are_no_error() -> None:
    media = [f"/2026/{'9' * 5000}.png", "/2026/11.png"]
    found = evidence(Shown("Monday 2026", b"", media, []), "http://h/2026/11/17")
    assert len(found.media) == 8
