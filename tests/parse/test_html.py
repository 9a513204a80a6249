"""What an HTML document says of itself, and where it leads."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.parse import Job, html
from crawler.parse.links import DEFAULT
from crawler.parse.reading import Reading
from crawler.scope import Scope
from crawler.testing import SAMPLES, Sample, charset_page
from crawler.testing.pages import Asked

URL = "http://h/a/page"


def job(*follow: str, wants_text: bool = False, nofollow: Literal["pages", "links"] = "pages") -> Job:
    kinds = frozenset(follow) or DEFAULT
    return Job(b"k", b"r", Scope(), follow=kinds, nofollow=nofollow, agent="ourbot", wants_text=wants_text)


def read(markup: str | bytes, charset: str = "", *, asked: Job | None = None, wants_text: bool = False) -> Reading:
    body = markup.encode() if isinstance(markup, str) else markup
    return html.read(body, charset, URL, asked or job(wants_text=wants_text))


@pytest.mark.parametrize(
    ("markup", "hrefs"),
    [
        ("<a href=x>", ["x"]),
        ("<A HREF='x'>", ["x"]),
        ("<a href=x><a href=x>", ["x", "x"]),
        ("<a href=''>", [""]),
        ("<a href>", [""]),
        ("<a name=x>", []),
        ("<a href='?a=1&amp;b=2&amp;copy'>", ["?a=1&b=2&copy"]),
        ("<map><area href=x></map>", ["x"]),
        ("<iframe src=x></iframe>", ["x"]),
        ("<iframe></iframe><iframe src=''></iframe>", []),
        ("<frameset><frame src=x><frame src=y></frameset>", ["x", "y"]),
        ("<link rel=next href=x><link rel=PREV href=y>", ["x", "y"]),
        ("<link rel=stylesheet href=x><link rel=icon href=y><link rel=next>", []),
        ("<a href=x rel=nofollow>", ["x"]),
        ("<noscript><a href=x>", ["x"]),
        ("<svg><a href=x>", ["x"]),
        ("<!-- <a href=x> -->", []),
        ("<script>'<a href=x>'</script>", []),
        ("<textarea><a href=x></textarea>", []),
        ("<template><a href=x></template><a href=y>", ["y"]),
        ("<template><template><a href=x></template></template>", []),
        ("<img src=x><script src=y></script><form action=z>", []),
    ],
)
def test_the_links_of_a_page_are_those_a_reader_could_follow(markup: str, hrefs: list[str]) -> None:
    assert read(markup).hrefs == hrefs


@pytest.mark.parametrize(
    ("markup", "base"),
    [
        ("", URL),
        ("<base href=/b/>", "http://h/b/"),
        ("<base href=../c/d>", "http://h/c/d"),
        ("<base href=//o/x/>", "http://o/x/"),
        ("<base href=https://o/>", "https://o/"),
        ("<base href=/b/><base href=/c/>", "http://h/b/"),
        ("<base target=_top><base href=/c/>", "http://h/c/"),
        ("<base href='http://['><base href=/c/>", URL),
        ("<base href=javascript:x>", URL),
        ("<base href='data:text/html,x'>", URL),
        ("<base href=''>", URL),
        ("<base href=ftp://o/>", "ftp://o/"),
        ("<template><base href=/b/></template>", URL),
        ("<p>late<base href=/b/>", "http://h/b/"),
    ],
)
def test_links_are_relative_to_the_first_base(markup: str, base: str) -> None:
    assert read(markup).base == base


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<title>Harbour</title>", "Harbour"),
        ("<title>\n  A  harbour\tat\n dawn </title>", "A harbour at dawn"),
        ("<title>R&amp;D &lt;b&gt; &#233;</title>", "R&D <b> é"),
        ("<title>One</title><title>Two</title>", "One"),
        ("<svg><title>Icon</title></svg><title>Page</title>", "Page"),
        ("<title>a<b>c</title>", "a<b>c"),
        ("<title></title>", ""),
        ("<body>no title", ""),
        ("<title>" + "x" * 5000, "x" * 1024),
    ],
)
def test_the_title_is_one_line(markup: str, title: str) -> None:
    assert read(markup).title == title


def test_a_page_says_what_it_is_about_in_which_language_and_where_it_belongs() -> None:
    reading = read(
        '<html lang=" de-AT "><meta name=Description content=" Über\n uns "><meta name=description content=second>'
        '<link rel="shortlink canonical" href="/uns"><link rel=canonical href=/second>'
    )
    assert (reading.description, reading.language, reading.canonical) == ("Über uns", "de-AT", "/uns")


def served(sample: Sample) -> tuple[bytes, str]:
    answer = charset_page(sample).answer(Asked("GET", "/", {}, 1, lambda href: href))
    content_type = dict(answer.headers)["Content-Type"]
    return answer.body, content_type.partition("charset=")[2]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_titles_are_right_in_every_alphabet(sample: Sample) -> None:
    body, charset = served(sample)
    reading = read(body, charset)
    assert reading.title == sample.title
    assert reading.language == sample.lang
    assert sample.text in reading.words


@pytest.mark.parametrize(
    ("body", "header", "charset", "title"),
    [
        ("\ufeff<title>ä".encode(), "iso-8859-1", "utf-8", "ä"),
        ("\ufeff<title>ä".encode("utf-16-le"), "utf-8", "utf-16le", "ä"),
        ("\ufeff<title>ä".encode("utf-16-be"), "", "utf-16be", "ä"),
        ("<meta charset=koi8-r><title>ä".encode(), "utf-8", "utf-8", "ä"),
        ("<meta charset=koi8-r><title>Ж".encode("koi8-r"), "", "koi8-r", "Ж"),
        (
            "<meta http-equiv=content-type content='text/html; charset=koi8-r'><title>Ж".encode("koi8-r"),
            "",
            "koi8-r",
            "Ж",
        ),
        ("<meta charset=utf-16le><title>ä".encode(), "", "utf-8", "ä"),
        ("<meta charset=nonsense><title>ä".encode(), "", "utf-8", "ä"),
        ("<title>ä".encode(), "nonsense", "utf-8", "ä"),
        ("<title>ä".encode("latin-1"), "ISO-8859-1", "windows-1252", "ä"),
        ("<title>€".encode("cp1252"), "us-ascii", "windows-1252", "€"),
        ("<title>ä".encode(), "", "utf-8", "ä"),
        ("<title>ä".encode("latin-1"), "", "windows-1252", "ä"),
        (b"<title>\xff\xfea", "utf-8", "utf-8", "\ufffd\ufffda"),
    ],
)
def test_a_byte_order_mark_outweighs_the_header_and_the_header_the_page(
    body: bytes, header: str, charset: str, title: str
) -> None:
    reading = read(body, header)
    assert (reading.charset, reading.title) == (charset, title)


def test_scripts_and_styles_are_not_what_a_person_reads() -> None:
    reading = read("<style>p{}</style><p>One</p><script>two()</script><p>three</p>", wants_text=True)
    assert reading.words.split() == ["Onethree"]
    assert "One" in reading.text
    assert "two" not in reading.text
    assert read("<p>One").text == ""


TAGS = ["<a href=", "x>", "<base href='//o/'>", "<title>", "</title>", "<svg>", "<template>", "</template>", "<table>",
        "<meta charset=utf-16>", "<meta charset=shift_jis>", "<meta name=robots content=none>", "<frame src=y>", "<!--",
        "<meta http-equiv=refresh content='1;z'>", "-->", "<![CDATA[", "&#xd800;", "&#0;", "&", "\0", "<b>", "</p>",
        "<link rel=canonical href=q>", "<script>", "</script>", "<select>", "<math>", "<noscript>", "é", "<frameset>",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(TAGS) | st.text(max_size=4), max_size=40).map("".join),
    st.sampled_from(["", "utf-8", "utf-16", "big5", "?"]),
)
def test_any_markup_can_be_read(markup: str, charset: str) -> None:
    reading = read(markup.encode("utf-8", "replace"), charset, wants_text=True)
    for text in (reading.title, reading.words, reading.text, *reading.hrefs):
        assert text.encode("utf-8").decode() == text


@given(st.binary(max_size=300), st.text(max_size=10))
def test_any_bytes_can_be_read(body: bytes, charset: str) -> None:
    assert read(body, charset, wants_text=True).charset
