"""Targets that take values out of pages: selectors, structured data, names, numbers and dates."""

from __future__ import annotations

from math import isnan

import orjson
import turbohtml
from hypothesis import strategies as st

from crawler.errors import ConfigError
from crawler.parse import authors, embedded, metadata, moments, selecting, selectors, typed
from crawler.parse.reading import Reading
from tests.fuzz.target import Target, encoded, fed

BASE = "http://h.example/town/"
PAGES = (
    "<title>Ice - Town</title><h1>Ice</h1><p class=byline>By <a rel=author href=/a>Ada Lovelace</a>, 4 May 2026"
    "<div itemscope itemtype='https://schema.org/Offer' itemref=x><b itemprop=price content=13.00>$13</b></div>"
    "<i id=x itemprop=name>Rope</i><meta property='og:title' content=Ice><meta property='article:tag' content=sea>",
    '<script type="application/ld+json">{"@graph":[{"@type":"Product","sku":"7","offers":[{"price":"1.299,00"}],'
    '"author":[{"name":"Bo"}], // x\n}]}</script><div vocab="https://schema.org/" typeof=Article>'
    "<b property=headline>H</b></div><time datetime=2026-05-04>May</time>",
)
TAGS = (
    '<script type="application/ld+json">', "</script>", "{", "}", "[", "]", ",", ":", '"', "\\", "//", "/*", "*/",
    "<!--", "-->", "<![CDATA[", "]]>", '"@type":', '"@id":', "1e999", "null", "<div itemscope>", "<i itemprop=a>",
    "<div itemscope itemprop=b id=x itemref='x y'>", "content=", "<h1>", "</h1>", "<title>", " | ", " - ", "\u00bb",
    "<a rel=author>", "<p class=author>", "By ", " and ", "<time>", "2026-05-04", "\ud83d", "\0", "9" * 400,
    "<meta property='og:", "<div typeof=A property=b resource=c>", "<nav>", "<div class=comments>",
)  # fmt: skip
SELECTORS = (
    "css:.price@text as number", "css:h1", "css:img@src[] as url", "css:p:has(a) > b:nth-child(2n+1)@html",
    "xpath://dt[.='x']/following-sibling::dd[1]", "xpath:count(//a)", "xpath://a/@href[]",
    "jsonld:Product.offers[0].price", "jsonld:datePublished as date", r"re:\"token\":\"(\w+)\"", "re:a*[]",
)  # fmt: skip
WORDS = (
    "css:", "xpath:", "jsonld:", "re:", "@", "@text", "@html", "@href", "[]", "[0]", " as ", "number", "date", "url",
    ".", "#", ">", "+", "~", "*", ":not(", ":has(", ":nth-child(", ")", "(", "[", "]", "'", '"', "\\", "//", "/", "::",
    "|", "{9}", "{1000}", "(?", "(?i)", "^", "$", "9" * 30, "\0", "\ud800", "\u00fc", " ",
)  # fmt: skip
LINES = (
    "By Ada Lovelace and Bo Ek, 4 May 2026", "Von Dr. Ada von Lovelace / Bo Ek", "1.299,00 \u20ac", "$-1,299.00",
    "12 March 2024", "03/12/2024", "2026-05-04T10:00:00+02:00", "Mon, 04 May 2026 10:00:00 GMT", "Lovelace, Ada; PhD",
)  # fmt: skip
PARTS = (
    "by ", "von ", " and ", " & ", ",", ";", "/", "|", "(", ")", "@", "http://", "&#99999999;", "&amp;", ".", "-", "+",
    "1", "12", "2026", "9" * 300, "0", ":", "T", "Z", "\u066b", "\u202f", "\u00ad", "\ud800", "A", "a b", "\n",
)  # fmt: skip


def _select(given: tuple[str, bytes]) -> None:
    """A selector is refused in one line, or gives values of its type, of any page."""
    text, body = given
    try:
        fields = selectors.read_selectors((("a", text), ("b", "css:*[]")))
    except ConfigError as error:
        assert "\n" not in str(error)
        return
    finally:
        selectors.read_selectors.cache_clear()
    reading = Reading(base=BASE)
    document = turbohtml.parse(body)
    for source in (selecting.Source(document, body, "utf-8"), selecting.Source(None, body, "")):
        selecting.note(reading, fields, source)
        values = reading.fields or {}
        assert set(values) == {"a", "b"}
        assert isinstance(values["a"], list) == fields[0].is_list
        orjson.dumps(values)
        if fields[0].type == "number":
            several = values["a"] if isinstance(values["a"], list) else [values["a"]]
            assert all(one is None or isinstance(one, int | float) for one in several)


def _read_structured(body: bytes) -> None:
    """Structured data and metadata are JSON within bounds, with every field."""
    document = turbohtml.parse(body)
    found = embedded.read(document, BASE)
    said = metadata.read(document, found, BASE, "")
    assert len(orjson.dumps(found.kinds)) < 64 * (1 << 20)
    assert sum(1 for _ in found.nodes()) <= embedded.MOST_VALUES
    orjson.dumps(said)
    assert {"title", "authors", "published", "modified", "licence"} <= set(said)
    names = said["authors"]
    assert isinstance(names, list) and len(names) == len(set(names)) <= 20
    assert all(name.strip() and len(name) <= 1024 for name in names)
    for day in (said["published"], said["modified"]):
        assert day is None or (isinstance(day, str) and moments.read_moment(day)[:10] == day[:10])


def _read_line(text: str) -> None:
    for name in authors.read_names(text):
        assert name.strip() and len(name) <= 80
    number = typed.read_number(text)
    assert number is None or not isnan(number)
    for day in (typed.read_date(text), moments.read_moment(text)):
        assert not day or moments.read_moment(day)


TARGETS = [
    Target("selectors of fields", st.tuples(fed(SELECTORS, WORDS), encoded(fed(PAGES, TAGS))), _select),
    Target("structured data and metadata", encoded(fed(PAGES, TAGS)), _read_structured),
    Target("names, numbers and dates", fed(LINES, PARTS), _read_line),
]
