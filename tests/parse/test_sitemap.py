"""What a sitemap's words mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.parse import Document, sitemap
from crawler.parse.reading import Reading
from crawler.runtime.xml_repair import Enough


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970", 0),
        ("1971", 31536000),
        ("1970-02", 2678400),
        ("1970-01-02", 86400),
        (" 1970-01-02\n", 86400),
        ("1970-01-01T00:01Z", 60),
        ("1970-01-01T00:00:07Z", 7),
        ("1970-01-01T00:00:07.9Z", 7),
        ("1970-01-01T01:00:07+01:00", 7),
        ("1970-01-01T00:00:07", 7),
        ("2106-02-07", 4294944000),
        ("2107-01-01", 0),
        ("1969-12-31", 0),
        ("0000", 0),
        ("9999-12-31T23:59:59-23:59", 0),
        ("1970-13", 0),
        ("1970-02-30", 0),
        ("70-01-02", 0),
        ("02/01/1970", 0),
        ("Fri, 02 Jan 1970 00:00:00 GMT", 0),
        ("1970-01-02T", 0),
        ("١٩٧١", 0),
        ("", 0),
    ],
)
def test_a_date_is_one_of_the_w3c_formats(text: str, seconds: int) -> None:
    assert sitemap.unix_time(text) == seconds


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("0.5", 0), ("1.0", -5), ("1", -5), ("0.0", 5), ("0.8", -3), (" 0.3 ", 2), ("1.1", 0), ("-1", 0), ("nan", 0),
        ("inf", 0), ("0,8", 0), ("high", 0), ("", 0),
    ],
)  # fmt: skip
def test_priorities_are_steps_around_that_of_a_link(text: str, priority: int) -> None:
    assert sitemap.page_priority(text) == priority


@pytest.mark.parametrize(
    ("path", "is_named", "is_list"),
    [
        ("sitemap.txt", False, True),
        ("a/Sitemap_1.TXT", False, True),
        ("my-sitemap.txt.gz", False, True),
        ("sitemap.txt?x", False, True),
        ("urls.txt", True, True),
        ("urls.txt", False, False),
        ("sitemap/a.txt", False, False),
        ("sitemap.txt.html", False, False),
        ("?sitemap.txt", False, False),
    ],
)
def test_a_text_is_a_list_where_someone_or_its_name_says_so(path: str, is_named: bool, is_list: bool) -> None:
    assert sitemap.is_list(Document(urls.parse(f"http://h/{path}"), b"", is_sitemap=is_named)) is is_list


def listed(*texts: str) -> list[str]:
    reading = Reading()
    sitemap.read_list(texts, reading)
    assert len(reading.hrefs) == len(reading.priorities) == len(reading.modified)
    return reading.hrefs


def test_a_list_is_one_absolute_url_a_line_and_nothing_else() -> None:
    text = "\ufeffhttp://h/1\r\n https://h/2 \n\n# http://h/no\nHTTP://h/3\rftp://h/no\n/no\n<p>http://h/no\nhttp://h/4"
    assert listed(text) == ["http://h/1", "https://h/2", "HTTP://h/3", "http://h/4"]
    assert listed() == listed("") == []


@given(st.text(alphabet="http:/\r\n \x0b\x85\u2028é#"), st.integers(0, 30))
def test_lines_may_reach_over_pieces(text: str, place: int) -> None:
    text = f"http://h/{text}\nhttp://h/"
    assert listed(text[:place], text[place:]) == listed(*text) == listed(text)


def test_a_line_without_an_end_costs_nothing() -> None:
    piece = "http://h/" + "x" * (1 << 16)
    assert [len(url) for url in listed(*[piece] * 400, "\nhttp://h/1")] == [2 * urls.MAX_LENGTH, 10]


def test_a_list_is_read_to_the_number_the_protocol_allows() -> None:
    reading = Reading()
    with pytest.raises(Enough, match="50000"):
        sitemap.read_list(["http://h/\n"] * (sitemap.MAX_LOCATIONS + 1), reading)
    assert len(reading.hrefs) == sitemap.MAX_LOCATIONS


@pytest.mark.slow
@given(st.text())
def test_any_words_mean_something(text: str) -> None:
    assert 0 <= sitemap.unix_time(text) < 1 << 32
    assert -5 <= sitemap.page_priority(text) <= 5
