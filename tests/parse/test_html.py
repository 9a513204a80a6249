"""What an HTML document says of itself, and where it leads."""

from __future__ import annotations

import time
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.parse import ParseJob, html
from crawler.parse.links import KINDS
from crawler.parse.reading import Reading
from crawler.settings import LinkKind, ScopeConfig
from crawler.testing import SAMPLES, Sample, charset_page
from crawler.testing.pages import Asked
from tests.defaults import FOLLOWED, make_job, make_scope

URL = "http://h/a/page"


@given(st.lists(st.sampled_from([b"<", b"word", b"<b>"])).map(b"".join), st.integers(0, 5000))
def test_a_tree_is_too_large_by_the_estimate_of_its_size(body: bytes, limit: int) -> None:
    assert html.is_too_large(body, limit) is (html.tree_bytes(body) > limit)


def job(*follow: str, wants_text: bool = False, nofollow: Literal["pages", "links"] = "pages") -> ParseJob:
    kinds = frozenset(follow) or FOLLOWED
    return make_job(b"k", b"r", make_scope(), follow=kinds, nofollow=nofollow, agent="ourbot", wants_text=wants_text)


def read(markup: str | bytes, charset: str = "", *, asked: ParseJob | None = None, wants_text: bool = False) -> Reading:
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


@pytest.mark.parametrize(
    ("kind", "markup", "hrefs"),
    [
        ("anchors", "<a href=x><area href=y><link rel=next href=z>", ["x", "y"]),
        ("frames", "<iframe src=x></iframe><iframe src=''></iframe><iframe srcdoc='<a href=y>'></iframe>", ["x"]),
        ("pagination", "<link rel='x next' href=x><link rel=previous href=y><a rel=next href=z>", ["x", "y"]),
        ("canonical", "<link rel=canonical href=x><link rel=CANONICAL href=y>", ["x", "y"]),
        ("alternates", "<link rel=alternate hreflang=de href=x><link rel=alternate media=handheld href=y>", ["x", "y"]),
        ("alternates", "<link rel=amphtml href=x><link rel='alternate stylesheet' href=y>", ["x"]),
        ("alternates", "<link rel=alternate type='application/rss+xml' href=x>", []),
        ("feeds", "<link rel=alternate type='Application/RSS+XML; x=y' href=x><link rel=alternate href=y>", ["x"]),
        ("styles", "<link rel=stylesheet href=x><link rel='alternate stylesheet' href=y>", ["x", "y"]),
        ("styles", "<style>@import 'x'</style><p style='background: url(y)'>", []),
        ("images", "<link rel='shortcut icon' href=x><link rel=apple-touch-icon href=y>", ["x", "y"]),
        ("images", "<img src=x srcset='y 1x, z 2x'><img alt=w>", ["x", "y", "z"]),
        ("images", "<picture><source srcset='x, y 2x'><source src=no><img src=z></picture>", ["x", "y", "z"]),
        ("images", "<input type=IMAGE src=x><input src=y><video poster=z>", ["x", "z"]),
        ("images", "<body background=x><svg><image href=y /><image xlink:href=z /></svg>", ["x", "y", "z"]),
        ("media", "<video src=x><source src=y><track src=z></video><audio src=w></audio>", ["x", "y", "z", "w"]),
        ("media", "<embed src=x><object data=y></object><source src=z>", ["x", "y"]),
        ("scripts", "<script src=x></script><script>y</script><link rel=modulepreload href=z>", ["x", "z"]),
        ("forms", "<form action=x></form><form method=GET action=y></form><form method=q action=z>", ["x", "y", "z"]),
        ("forms", "<form method=post action=x></form><form method=Dialog action=y></form><form></form>", []),
        ("styles", "<svg><link rel=stylesheet href=x /></svg>", []),
        ("frames", "<svg><iframe src=x /></svg>", []),
    ],
)  # fmt: skip
def test_a_crawl_follows_the_kinds_it_names(kind: str, markup: str, hrefs: list[str]) -> None:
    assert read(markup, asked=job(kind)).hrefs == hrefs


def test_all_kinds_together_are_all_links_and_the_settings_know_their_names() -> None:
    markup = "<a href=1><iframe src=2></iframe><link rel=next href=3><img src=4><form action=5><script src=6></script>"
    assert sorted(read(markup, asked=job(*KINDS)).hrefs) == list("123456")
    assert get_args(LinkKind) == KINDS
    assert set(ScopeConfig().follow) == FOLLOWED


def test_nofollow_on_a_link_counts_where_the_crawl_says_so() -> None:
    markup = "<a href=x rel='ugc NoFollow'><a href=y rel=nofollowing><svg><a href=v rel=nofollow></a></svg>"
    markup += "<link rel='next nofollow' href=z>"
    assert read(markup).hrefs == ["x", "y", "v", "z"]
    assert read(markup, asked=job(nofollow="links")).hrefs == ["y"]


@pytest.mark.parametrize(
    ("markup", "hrefs"),
    [
        ("<noscript><a href=x></noscript>", ["x"]),
        ("<head><noscript><link rel=next href=x></noscript>", ["x"]),
        ("<svg><a xlink:href=x></a><a href=y xlink:href=z></a><area href=w /></svg>", ["x", "y"]),
        ("<a xlink:href=x>", []),
        ("<svg></svg><a href=x><a xlink:href=y>", ["x"]),
        ("<math href=x><mi href=y></mi><a href=z></a></math>", []),
        ("<svg><template><a href=x></a></template></svg><a href=y>", ["x", "y"]),
        ("<div><template shadowrootmode=open><a href=x></template></div>", ["x"]),
        ("<template><div><template shadowrootmode=open><a href=x></template></div></template><a href=y>", ["y"]),
        ("<plaintext><a href=x>", []),
        ("<xmp><a href=x></xmp>", []),
        ("<noembed><a href=x></noembed><noframes><a href=y></noframes>", []),
        ("<select><option><a href=x>", None),
        ("<table><a href=x><tr><td><a href=y></table>", ["x", "y"]),
        ("<a href=x/>", ["x/"]),
        ("<a href = x><a href\n=\ty>", ["x", "y"]),
        ("<a href=x href=y>", ["x"]),
        ("<a\fhref=x>", ["x"]),
        ("<a/href=x>", ["x"]),
        ('<a href="x\ny">', ["x\ny"]),
        ("<a href='&#x78;&#0;&nbsp'>", ["x\ufffd\xa0"]),
        ("<a href=?a&lt=b&lt;>", ["?a&lt=b<"]),
        ("<![CDATA[<a href=x>]]>", None),
        ("<svg><![CDATA[<a href=x>]]></svg>", []),
        ("</br><a href=x></p>", ["x"]),
    ],
)
def test_markup_is_read_as_a_browser_without_scripts_reads_it(markup: str, hrefs: list[str] | None) -> None:
    found = read(markup).hrefs
    assert hrefs is None or found == hrefs


@pytest.mark.parametrize(
    ("markup", "target"),
    [
        ("<meta http-equiv=refresh content='0; url=x'>", "x"),
        ("<meta http-equiv=Refresh content=5>", ""),
        ("<meta http-equiv=refresh content=nonsense><meta http-equiv=refresh content='1;y'>", "y"),
        ("<meta http-equiv=refresh content='1;x'><meta http-equiv=refresh content='1;y'>", "x"),
        ("<meta http-equiv=refresh content=1><meta http-equiv=refresh content='1;y'>", ""),
        ("<meta name=refresh content='1;x'>", None),
        ("<meta name=description http-equiv=refresh content='1;x'>", "x"),
        ("<meta http-equiv=refresh>", None),
        ("<noscript><meta http-equiv=refresh content='0;x'></noscript>", "x"),
        ("<template><meta http-equiv=refresh content='0;x'></template>", None),
    ],
)
def test_the_first_refresh_that_is_one_counts(markup: str, target: str | None) -> None:
    assert read(markup).refresh == target


def test_robots_metas_are_for_all_or_for_us_by_name() -> None:
    markup = "<meta name=ROBOTS content=noindex><meta name=OurBot content=none><meta name=otherbot content=nofollow>"
    assert read(markup + "<meta name=robots><meta content=x>").directives == ["noindex", "none"]


XHTML = '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="de"><head>{}</head><body>{}</body></html>'


@pytest.mark.parametrize(
    ("markup", "title", "hrefs"),
    [
        (XHTML.format("<title>T</title>", '<a href="x"/><p/>'), "T", ["x"]),
        (XHTML.format('<title/><script src="s"/>', '<a href="x?a=1&amp;b=2"/>'), "", ["x?a=1&b=2"]),
        (XHTML.format("<title>a&nbsp;&eacute;&amp;lt;</title>", '<a href="&eacute;"/>'), "a é&lt;", ["é"]),
        (XHTML.format("<title><![CDATA[a & b]]></title>", '<![CDATA[<a href="x">]]>'), "a & b", []),
        (XHTML.format("", '<textarea/><a href="x"/><iframe/><a href="y"/>'), "", ["x", "y"]),
        (XHTML.format("", '<!-- <a href="x"/> --><a href="y"/>'), "", ["y"]),
        (XHTML.format("", '<template><a href="x"/></template><a href="y"/>'), "", ["y"]),
        ("<?xml version='1.0'?><!DOCTYPE html>" + XHTML.format("", '<a href="x"/>'), "", ["x"]),
        (XHTML.format("<title>T</title>", "<p>not closed<a href=x>"), "T", ["x"]),
        ("<p>tag soup<br><a href=x>", "", ["x"]),
        ("", "", []),
        ("<!DOCTYPE html [<!ENTITY a \"<a href='x'/>\">]>" + XHTML.format("", "&a;&a;&unknown;"), "", []),
    ],
)
def test_xhtml_is_xml_where_it_is_well_formed(markup: str, title: str, hrefs: list[str]) -> None:
    reading = html.read(markup.encode(), "", URL, job(), is_xml=True)
    assert (reading.title, reading.hrefs, reading.charset) == (title, hrefs, "utf-8")
    if markup.startswith("<html"):
        assert reading.language == "de"


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
    st.booleans(),
)
def test_any_markup_can_be_read(markup: str, charset: str, is_xml: bool) -> None:
    asked = job(*KINDS, wants_text=True)
    reading = html.read(markup.encode("utf-8", "replace"), charset, URL, asked, is_xml=is_xml)
    for text in (reading.title, reading.words, reading.text, *reading.hrefs):
        assert text.encode("utf-8").decode() == text


@given(st.binary(max_size=300), st.text(max_size=10))
def test_any_bytes_can_be_read(body: bytes, charset: str) -> None:
    assert read(body, charset, wants_text=True).charset


@pytest.mark.parametrize("piece", ["<![CDATA[", "]]>", "&a", "<a>", "<a ", "<?", "<!--", "&nbsp;"])
def test_xhtml_made_to_confuse_is_read_in_one_pass(piece: str) -> None:
    began = time.process_time()
    html.read(b"<html>" + piece.encode() * 50_000, "", URL, job(), is_xml=True)
    assert time.process_time() - began < 20  # what is not linear takes hours
