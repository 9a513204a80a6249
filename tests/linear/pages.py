"""What pages say: HTML, its attributes, charsets, codings, sitemaps, feeds, texts."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from itertools import count

from crawler import urls
from crawler.errors import ParseError
from crawler.parse import (
    Document,
    ParseJob,
    authors,
    blocked,
    charset,
    codings,
    directives,
    evidence,
    fields,
    focus,
    header,
    html,
    kinds,
    language,
    legacy,
    links,
    media,
    microsyntax,
    moments,
    news,
    parse,
    pdf_moments,
    reading,
    scan,
    shell,
    simhash,
    sitemap,
    sketch,
    typed,
    xml,
)
from crawler.parse.reading import Reading
from crawler.parse.selectors import read_selectors
from crawler.parse.usage import statements
from crawler.runtime import xml_repair
from crawler.runtime.xml_repair import Enough
from tests.defaults import make_job, make_scope
from tests.linear.markup import BYTES, FIELD, HREFS, PLACES, TAGS, TEXT, VARIED, XML, XML_FAULTY, XML_VARIED
from tests.linear.measure import Row, made, raw, runs

URL = urls.parse("http://h.example/town/2026/harbour-17?page=17&sid=0123456789abcdef")
LONG = urls.parse("http://h.example/" + "a/" * 1000)
_RUNS = count()
ALL_KINDS = frozenset(links.KINDS)


def job(**given: object) -> ParseJob:
    """One that follows everything, of a run that nobody remembers."""
    number = next(_RUNS)
    options = {
        "follow": ALL_KINDS,
        "wants_links": True,
        "wants_text": True,
        "wants_markdown": True,
        "wants_metadata": True,
        "wants_structured": True,
        "agent": "crawld",
        **given,
    }
    return make_job(b"sixteen bytes ...", f"linear-{number}".encode(), make_scope("any"), **options)


def lenient(read: Callable[..., object]) -> Callable[..., object]:
    """The same, where it may say that this is nothing it can read."""

    def tried(given: object) -> object:
        try:
            return read(given)
        except ParseError as error:
            return error

    return tried


def _look_for_shell(body: bytes) -> object:
    return html.read(body, "", URL.text, job(), looks_for_shell=True)


def _read_html(body: bytes) -> Reading:
    return html.read(body, "", URL.text, job())


WORDS = ("solar", "heat pump", "insulat*", "手机")
SOUGHT = {**TEXT, **runs("solar", "solar ", "heat ", "heat  pump", "heat-", "heat pum ", "insulat", "手", "_", "%73")}


def _read_with_focus(body: bytes, is_xml: bool = False) -> None:
    html.read(body, "utf-8", URL.text, job(focus=WORDS), is_xml=is_xml)


_SELECTORS = read_selectors((
    ("text", "css:body@text"), ("markup", "css:p@html[]"), ("number", "css:td as number"), ("day", "css:p as date"),
    ("links", "css:a[] as url"), ("last", "css:div > p:last-child"), ("after", "css:b ~ i"), ("has", "css:div:has(b)"),
    ("nth", "css:li:nth-child(2n)[]"), ("path", "xpath://div//p[contains(., 'z')]"), ("count", "xpath:count(//a)"),
    ("item", "jsonld:Product.offers.price as number"), ("expression", "re:price: ([0-9]+)[]"), ("many", "re:(x|y|1)[]"),
))  # fmt: skip


def _take_fields(body: bytes) -> Reading:
    return html.read(body, "", URL.text, job(fields=_SELECTORS))


def _read_xhtml(body: bytes) -> Reading:
    return html.read(body, "", URL.text, job(), is_xml=True)


def _parsed(content_type: str, **given: object) -> Callable[[bytes], object]:
    def read(body: bytes) -> object:
        return parse(Document(URL, body, content_type, **given), job(max_body_bytes=1 << 28))  # type: ignore[arg-type]

    return lenient(read)


def _xml(pieces: bytes) -> object:
    return xml.read([pieces[at : at + 65536] for at in range(0, len(pieces), 65536)], Document(URL, b""), job())


def _coded(coding: str) -> Callable[[bytes], object]:
    return lenient(lambda body: codings.decode_beginning(body, coding, 1 << 24))


def _evidence(hrefs: list[str]) -> object:
    absolute = [urls.resolve_absolute(href, URL.text) for href in hrefs[:1000]]
    return evidence.evidence(evidence.Shown("Monday 2030", b"1 2 3 17 of 18", hrefs, absolute), URL.text)


def _in(field: str) -> Callable[[str], object]:
    """What a header field of a page says, through the door of all such fields."""

    def read(value: str) -> object:
        given = {"robots": {"robots": (value,)}, "links": {"links": (value,)}, "refresh": {"refresh": value}}[field]
        found = Reading()
        fields.note(found, Document(URL, b"", **given), job())  # type: ignore[arg-type]
        return found

    return read


def _stated(value: str) -> object:
    given = (("content-usage", value), ("content-signal", value), ("tdm-reservation", value))
    found = Reading(directives=[value], tdm=value)
    return statements(found, Document(URL, b"", robots=(value,), preferences=given), job())


def _resolved(hrefs: list[str]) -> object:
    return news.Memory().resolve(hrefs, URL.text)


def _told(hrefs: list[str]) -> object:
    memory, asked = news.Memory(), job()
    found = memory.news(memory.resolve(hrefs, URL.text).texts, Document(LONG, b""), 1, asked)
    memory.mark(found, 1)
    return found


def _listed(text: str) -> object:
    found = Reading()
    try:
        sitemap.read_list((text[at : at + 65536] for at in range(0, len(text), 65536)), found)
    except Enough:
        pass
    return found


_DIRECTIVES = runs("x:", ",", "crawld:", "none,", "a:b,", "x ", "nofollow,", "max-snippet:1,")
_LINKS = runs(
    "<x>,", "<", "<x>;", '<x>;a="', "<x>;rel=next,", "<x>;a;", '"', '\\"', ";", ";=", "=", "<x>; a=b; c=d", ", ,"
)
ROWS = [
    Row(
        "parse.usage.statements",
        _stated,
        runs("noai,", "noai ", "train-ai=n,", "ai-train=no,", ",", "=", ";", "a: noai,", "max-snippet: 0,"),
        most=1 << 16,
    ),
    Row("parse.html.read", _read_html, raw({**TAGS, **VARIED})),
    Row(
        "parse.html.read as XHTML",
        _read_xhtml,
        raw(
            {
                **TAGS,
                **VARIED,
                **runs("<p/>", "<p>", "&nbsp;", "<![CDATA[x]]>", head="<html xmlns='http://www.w3.org/1999/xhtml'>"),
            }
        ),
    ),
    Row(
        "parse.html.read in a legacy charset",
        lambda body: html.read(body, "big5", URL.text, job()),
        raw(runs("<a href='?é'>", "<a href='?十'>", "\x80")),
    ),
    Row(
        "parse.html.read with a focus", _read_with_focus, raw({**TAGS, **runs("<a href=x>", "<a href=/x><img alt=x>")})
    ),
    Row(
        "parse.html.read as XHTML with a focus",
        partial(_read_with_focus, is_xml=True),
        raw(runs("<a href='x'>", "<a href='x'>x", "<a href='x'/>", head="<html xmlns='http://www.w3.org/1999/xhtml'>")),
    ),
    Row("parse.focus.find_relevance", lambda text: focus.find_relevance(WORDS, text, text), SOUGHT),
    Row("parse.focus.rate_link", lambda text: focus.rate_link(WORDS, text, text), SOUGHT),
    Row("parse.focus.join_texts", lambda text: focus.join_texts([("a", text), (text, text)], str), TEXT),
    Row("parse.selecting.note", _take_fields, raw({**TAGS, **VARIED})),
    Row("parse.typed.read_number", typed.read_number, {**TEXT, **runs("1", "1.", "1,", " 1", "123 ", "-", ".")}),
    Row("parse.typed.read_date", typed.read_date, {**TEXT, **runs("1", "1/", "2024-", "12 ", " May ", ".")}),
    Row("parse.html.tree_bytes", html.tree_bytes, raw(runs("<", "x"))),
    Row("parse.shell.look", _look_for_shell, raw({**TAGS, **VARIED})),
    Row("parse.shell.count", shell.count, {**TEXT, **runs("x ", "\u4e2d", " ")}),
    Row("parse.scan.read", lambda body: scan.read(body, "", URL.text, job()), raw({**TAGS, **VARIED})),
    Row(
        "parse.page.parse of a page",
        _parsed("text/html"),
        raw({**runs("<a href=x>", "x ", "<p>1 ", "&", "<"), **VARIED}),
    ),
    Row(
        "parse.page.parse of a suspect",
        _parsed("text/html", is_suspect=True),
        raw({**runs("<a href=x>", "x "), **VARIED}),
    ),
    Row("parse.page.parse of a text", _parsed("text/plain"), raw(TEXT)),
    Row("parse.page.parse of a list", _parsed("text/plain", is_sitemap=True), raw(TEXT)),
    Row("parse.page.parse of a sitemap", _parsed("application/xml"), raw({**XML, **XML_VARIED})),
    Row("parse.page.parse of a file", _parsed("application/gzip"), {**BYTES, **raw(TEXT)}),
    Row(
        "parse.page.parse of nested codings",
        _parsed("text/html", content_encoding="gzip, gzip, gzip"),
        {"bombs": lambda n: gzip.compress(gzip.compress(gzip.compress(b"x" * n)))},
    ),
    Row("parse.xml.read", lenient(_xml), raw({**XML, **XML_VARIED})),
    Row("parse.xml.read of faulty documents", lenient(_xml), raw(XML_FAULTY)),
    Row(
        "runtime.xml_repair.decode",
        xml_repair.decode,
        {**TEXT, **runs("&#9", "&#", "&#x", "&a", "&amp;", "&copy", "\0")},
    ),
    Row("parse.xml.read in UTF-16", lenient(_xml), raw(XML, "utf-16")),
    Row("parse.sitemap.read_list", _listed, {**TEXT, **runs("http://h.example/x\n", "http://h.example/x\r")}),
    Row("parse.sitemap.limit_bytes", lambda body: [*sitemap.limit_bytes([body])], BYTES),
    Row("parse.sitemap.page_priority", sitemap.page_priority, TEXT),
    Row("parse.sitemap.unix_time", sitemap.unix_time, {**TEXT, **runs("0", "-01", "T00:00", " ", head="2020-01-01")}),
    Row(
        "parse.charset.label",
        charset.label,
        {**TEXT, **runs(";", "; ", ";a=", ';a="', ";charset", ";charset=x", '\\"', ";=", head='text/html;charset="')},
    ),
    Row("parse.charset.find_encoding", charset.find_encoding, FIELD),
    Row(
        "parse.charset.html_label",
        lambda body: charset.html_label(body, ""),
        raw(
            {
                **TEXT,
                **runs("<meta charset=utf-8>", " ", " encoding", " encoding=", "x", head="<?xml"),
                **runs("<p>", "x", head='<?xml version="1.0" encoding="koi8-r"?>'),
            }
        ),
    ),
    Row("parse.charset.of_text", lambda body: charset.of_text(body, ""), raw(TEXT)),
    Row(
        "parse.charset.guess",
        charset.guess,
        {**raw(TEXT), **BYTES, **raw(runs("é", "é ", "\x81\xe9", "xé", "\xa4\xa2"), "latin-1")},
    ),
    Row(
        "parse.charset.of_xml",
        lambda body: charset.of_xml(body, ""),
        raw({**TEXT, **runs(" ", " encoding", " encoding=", "x", head="<?xml ")}),
    ),
    Row(
        "parse.charset.xml_declared",
        charset.xml_declared,
        raw(runs(" ", " encoding", " encoding=", "x", head="<?xml ")),
    ),
    Row("parse.charset.decode", lambda body: charset.decode(body, "utf-8"), {**raw(TEXT), **BYTES}),
    *(
        Row(
            f"parse.charset.decode of {name}",
            partial(charset.decode, charset=name),
            {**BYTES, **raw(runs("é", "\x1b$B", "x", "\x80"))},
        )
        for name in ("shift_jis", "gb18030", "iso-2022-jp", "big5", "euc-kr", "utf-16le", "windows-1252")
    ),
    Row(
        "parse.charset.decode_in_pieces",
        lambda body: [*charset.decode_in_pieces((body[i : i + 1000] for i in range(0, len(body), 1000)), "utf-8")],
        {**raw(TEXT), **BYTES},
    ),
    *(
        Row(f"parse.codings.decode_beginning of {coding}", _coded(coding), BYTES)
        for coding in ("gzip", "deflate", "br", "zstd", "gzip, br")
    ),
    Row(
        "parse.codings.decode_beginning of an endless list",
        lenient(lambda text: codings.decode_beginning(b"x", text, 100)),
        {**TEXT, **runs("gzip,", ",")},
    ),
    Row("parse.codings.decode", lenient(lambda body: codings.decode(body, "gzip", 1 << 24)), BYTES),
    Row("parse.codings.gunzip", lenient(lambda body: [*codings.gunzip(body, 1 << 24)]), BYTES),
    Row("parse.codings.is_gzip", codings.is_gzip, BYTES),
    Row("parse.kinds.kind", lambda body: kinds.kind("text/html", body), raw({**TEXT, **TAGS})),
    Row("parse.kinds.kind of no type", lambda body: kinds.kind("", body), raw({**TEXT, **TAGS})),
    Row("parse.kinds.media_type", lambda body: kinds.media_type("", body), raw({**TEXT, **TAGS})),
    Row("parse.kinds.essence", kinds.essence, {**TEXT, **runs("a/", "/", ";", "+xml")}),
    Row("parse.kinds.is_xml", kinds.is_xml, {**TEXT, **runs("a/", "/", ";", "+xml")}),
    Row("parse.kinds.may_hold_gzip", kinds.may_hold_gzip, {**TEXT, **runs("a/", ";")}),
    Row(
        "parse.legacy.encode_hrefs",
        lambda hrefs: legacy.encode_hrefs(hrefs, "shift_jis"),
        made(runs("?é\n", "?十\n", "?ü#", "?\U0001f600", "#", "?"), str.splitlines),
    ),
    Row(
        "parse.legacy.encode_hrefs in states",
        lambda hrefs: legacy.encode_hrefs(hrefs, "iso-2022-jp"),
        made(runs("?é\n", "?十\n", "?ü#", "?十", "?"), str.splitlines),
    ),
    Row(
        "parse.microsyntax.refresh_target",
        microsyntax.refresh_target,
        {**TEXT, **runs("0", ".", ";", ",", "url=", "'", "url ="), **runs(" ", "'", '"', "url", head="0;url=")},
    ),
    Row(
        "parse.microsyntax.srcset_urls",
        microsyntax.srcset_urls,
        {
            **TEXT,
            **runs("a 1x,", "a 1x, ", "a,", ",", "a (", "(", ")", "a ()", "a 1w 1h,", "a 1x 1x ", "a 1.5e5x,"),
            **runs("9", "1x ", "0", "(", "((", ")(", head="a ", tail="x"),
        },
    ),
    Row("parse.media.downloads", media.downloads, {**HREFS, **PLACES}),
    Row(
        "parse.links.kinds_of_link",
        lambda relations: links.kinds_of_link(relations, "text/html"),
        made(runs("next ", "alternate ", "x ", "stylesheet "), str.split),
    ),
    Row("parse.links.kinds_of_link of a type", lambda text: links.kinds_of_link(["alternate"], text), TEXT),
    Row("parse.news.Memory.resolve", _resolved, {**HREFS, **PLACES}),
    Row("parse.news.Memory.news", _told, {**HREFS, **PLACES}),
    Row("parse.reading.one_line", lambda text: reading.one_line(text, 1 << 20), TEXT),
    Row(
        "parse.reading.Reading.follows",
        lambda words: Reading().follows(words, job(nofollow="links")),
        made(runs("x ", "nofollow "), str.split),
    ),
    Row("parse.simhash.simhash", simhash.simhash, TEXT),
    Row("parse.sketch.sketch", lambda text: sketch.sketch(text, sketch.ALL), TEXT),
    Row("parse.pdf_moments.moment", pdf_moments.moment, {**TEXT, **runs("0", "D:2026", "'", head="D:2026050403020")}),
    Row(
        "parse.simhash.gist",
        lambda body: simhash.gist(body, URL.text),
        raw({**TEXT, **runs("town", "harbour", "tow", "harbou")}),
    ),
    Row("parse.evidence.numbers", lambda body: evidence.numbers(body, URL.text), raw({**TEXT, **VARIED})),
    Row("parse.evidence.evidence", _evidence, {**HREFS, **PLACES}),
    Row(
        "parse.evidence.evidence of a title",
        lambda text: evidence.evidence(
            evidence.Shown(text, text.encode("utf-8", "replace"), ["/2026/1.png"], []), "http://h/2026/11/17"
        ),
        TEXT,
    ),
    Row(
        "parse.fields.note of robots",
        _in("robots"),
        {**TEXT, **runs("x:", ",", "crawld:", "none,", "a:b,", "x ")},
        most=1 << 20,
    ),
    Row(
        "parse.fields.note of links",
        _in("links"),
        {**TEXT, **runs("<x>,", "<", "<x>;", '<x>;a="', "<x>;rel=next,", "<x>;a;", '"', '\\"', ";", ";=", "=")},
        most=1 << 20,
    ),
    Row("parse.fields.note of a refresh", _in("refresh"), {**TEXT, **runs("0;url=x", "0;url='", "../")}, most=1 << 20),
    Row(
        "parse.blocked.by_page",
        lambda body: blocked.by_page(body, "Before you continue", body.decode(errors="replace")[:100], 0, 403),
        raw(
            {
                **TEXT,
                **runs("<form", "<form action", "<form action=", "<form action =", "<form action=consent", "action="),
                **runs(" ", head="<form action"),
            }
        ),
    ),
    Row(
        "parse.blocked.by_page of words",
        lambda text: blocked.by_page(b"", text, text, 0, 200),
        {**TEXT, **runs("reference #", "error code: 10", "captcha", "a.", "0")},
    ),
    Row(
        "parse.blocked.by_fields",
        lambda text: blocked.by_fields([(text.encode("utf-8", "replace"), text.encode("utf-8", "replace"))] * 10),
        TEXT,
    ),
    Row(
        "parse.blocked.by_target",
        blocked.by_target,
        {**TEXT, **runs("a.", "/", "google.", "consent.", head="https://consent.google.")},
    ),
    Row("parse.directives.for_us", lambda text: directives.for_us(text, "crawld"), {**TEXT, **_DIRECTIVES}),
    Row(
        "parse.directives.forbids_following", lambda text: directives.forbids_following([text]), {**TEXT, **_DIRECTIVES}
    ),
    Row("parse.directives.summary", lambda text: directives.summary([text, text]), {**TEXT, **_DIRECTIVES}),
    Row("parse.header.links", lambda text: [*header.links(text)], {**TEXT, **_LINKS}),
    Row("parse.blocked.is_weak", blocked.is_weak, TEXT),
    Row("parse.language.detect", language.detect, TEXT),
    Row("parse.authors.read_names", authors.read_names, {**TEXT, **runs("by ", "A, ", " and ", "a b,", "(", "@")}),
    Row("parse.moments.read_moment", moments.read_moment, {**TEXT, **runs("2026-05-04T", "Mon, ", "0")}),
]
