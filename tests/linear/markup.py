"""Documents that may hurt a reader, as shapes: markup, sitemaps, bytes under codings, texts, links."""

from __future__ import annotations

import gzip
import zlib

import brotli

from tests.linear.measure import Shape, made, raw, runs

TAGS = {
    **runs(
        "<a ", "<a href=", '<a href="', "<a href='", "<a href=x>", "<a href=/x>x</a>", "<b>", "<div>", "</div>", "<p>",
        "<table><tr><td>", "<b><i>", "<a><b>", "<font>", "<nobr>", "<form>", "<select><option>", "<svg>", "<math><mi>",
        "<svg><foreignObject><div>", "<template>", "<table>x<b>", "<li>", "<button>", "<ruby><rt>", "<frameset>",
        "<dl><dt>", "<h1>", "<object>", "<marquee>", "<iframe>", "<noscript>", "<x-y>",
    ),
    **runs(
        "&", "&amp;", "&#x41;", "&#9;", "&a", "&notanentity;", "<", "</", "<?", "<!", "<!--", "<!---->", "<!-->", "--",
        "<![CDATA[", "]]>", "<!doctype html>", "'", '"', "`", "\\", " ", "\t", "\n", "\0", "x", "xy ", "%", ".", "../",
        "e\u0301", "\u0301\u0316", "\u202e", "\U000e0001", "1 ", "12,5 ", "17 of 18 ",
    ),
    **runs(
        "<title>x</title>", "<base href=x>", "<base href=x/>", "<meta name=robots content=none>",
        "<meta charset=utf-7>",
        "<meta name=description content=x>", "<link rel=canonical href=x>", "<link rel='next' href=x>",
        "<meta http-equiv=refresh content='0;url=x'>", "<img src=x.png srcset='a 1x, b 2x'>", "<source src=x>",
        "<script src=x></script>", "<area href=x>", "<image href=x>", "<embed src=x>", "<html lang=x>", "<body>",
        "<input type=image src=x>", "<td>1</td>", "<!--x--><!--", "<a href=//h.example/x>",
    ),
    **runs(" a", " a=b", " a='b'", ' a="', "/", "=", " href=x", " \u0301", head="<p"),
    **runs(" href=x", " href", "'", '"', "/", "=", " class=x", head="<a"),
    **runs("x", "../", "%", "&amp;", " ", "\t", "#", "?", "\u0301", "&", "a b", head='<a href="', tail='">x</a>'),
    **runs("x", "/", "../", head='<base href="', tail='"><a href=y>'),
    **runs("a ", "next ", "nofollow ", head='<link href=x rel="', tail='">'),
    **runs("a 1x, ", "a,", ",", "(", "a (", " ", "a 1w 1h,", "9", "a 1x", head="<img srcset='", tail="'>"),
    **runs("noindex,", "x:", ",", " ", head='<meta name=robots content="', tail='">'),
    **runs("0", ";", " ", "url=", "'", "0;url='", head='<meta http-equiv=refresh content="', tail='">'),
    **runs("x", "<!--<script>", "</scrip", "<", head="<script>"),
    **runs("x", "<p>", "&", "</titl", head="<title>"),
    **runs("x", "<p>", head="<textarea>"),
    **runs("<p>x", head="<plaintext>"),
    **runs("<b></p>", "<i></b></i>", "<a><p></a>", "<p><b></p>", "<b><p></b>", "<a><div></a>"),
}  # fmt: skip


def numbered(unit: str, head: str = "", tail: str = "") -> Shape:
    """A unit with another number each time."""

    def shape(size: int) -> str:
        return (
            head + "".join([unit.replace("#", str(number)) for number in range(max(1, size // (len(unit) + 4)))]) + tail
        )

    return shape


VARIED: dict[str, Shape] = {
    "links to many places": numbered("<a href=/#/x>"),
    "links to many hosts": numbered("<a href=//h#.example/>"),
    "links with parameters": numbered("<a href='/?a=#&b=#'>"),
    "links in German": numbered("<a href='/ü#'>"),
    "many attributes": numbered(" a#=b", "<p", ">"),
    "many attributes of a link": numbered(" a#=b", "<a", " href=x>"),
    "many elements": numbered("<e#>"),
    "many pictures": numbered("<img src=/p#.png>"),
    "pictures of many sessions": numbered("<img src=/0123456789abcdef/p#.png>"),
    "many words": numbered("w# "),
    "many numbers": numbered("1#0 "),
    "many directives": numbered("<meta name=robots content=d#>"),
    "many relations": numbered(" r#", "<link href=x rel='", "'>"),
    "links below a long base": lambda n: f"<base href='/{'b' * (n // 2)}/'>" + "<a href=x>" * (n // 20),
    "different links below a long base": lambda n: f"<base href='/?{'b' * (n // 2)}'>" + numbered("<a href=#>")(n // 2),
    "deep, then wide": lambda n: "<div>" * (n // 10) + "<p>x" * (n // 8),
    "formats, then paragraphs": lambda n: "<b>" * (n // 6) + "<p>x</p>" * (n // 16),
    "different formats, then paragraphs": lambda n: numbered("<b id=#>")(n // 2) + "<p>x" * (n // 8),
    "formats in a table": lambda n: "<table>" + "<b>x" * (n // 4),
    "a long link, and many short": lambda n: f"<a href='{'x' * (n // 2)}'></a>" + "<a href=y>" * (n // 20),
    "nested templates with links": lambda n: "<template><a href=x>" * (n // 20),
    "rows of cells": lambda n: "<table>" + "<tr><td>1<td>2" * (n // 14),
}


XML = {
    **runs(
        "<url><loc>http://h.example/x</loc></url>", "<sitemap><loc>http://h.example/x</loc></sitemap>", "<url>", "<a>",
        "<loc>", "</url>", "<!--", "<!---->", "<![CDATA[", "&", "&amp;", "<?x?>", "]]>", "x", " ", "\0", "<",
        "<loc>http://h.example/x</loc>", "<xhtml:link rel='alternate' href='http://h.example/x'/>",
        head="<urlset>",
    ),
    **runs("<loc>http://h.example/x</loc><lastmod>2020-01-01</lastmod>", "<lastmod>2020</lastmod>",
           "<priority>0.7</priority><loc>http://h.example/y</loc>", head="<urlset><url><loc>http://h.example/</loc>"),
    **runs(" a", " xml:base='x'", "'", '"', "=", " a='", head="<urlset"),
    **runs("<item><link>http://h.example/x</link></item>", "<item><guid>http://h.example/x</guid></item>",
           "<title>x</title>", "<item>", head="<rss><channel>"),
    **runs("<entry><link href='x'/></entry>", "<link rel='next' href='x'/>", "<title>x", "<entry>", head="<feed>"),
    **runs("x", "../", "&amp;", " ", "\n", "%", head="<urlset><url><loc>http://h.example/", tail="</loc></url>"),
    **runs("0", " ", "-", "9", head="<urlset><url><loc>http://h.example/</loc><lastmod>", tail="</lastmod></url>"),
    **runs("0", " ", ".", "9", head="<urlset><url><loc>http://h.example/</loc><priority>0.", tail="</priority></url>"),
    **runs("<!ENTITY a 'b'>", "x", "[", "<!-- -->", head="<!DOCTYPE a ["),
}  # fmt: skip
XML_FAULTY = {
    **runs(
        "<url><loc>http://h.example/x</loc></url>", "<url>", "<a>", "<a></b>", "</a>", "<loc>", "</url>", "<loc>x<a>",
        "<!--", "<!---->", "<![CDATA[", "<![CDATA[x]]>", "&", "&amp;", "&copy", "&#9", "<?x?>", "<?", "]]>", "x", "<",
        "<!", "<!x>", "<!a '", "<a '", "<a '>", "<a b=c>", '<a "', "\0",
        head="<urlset>&",
    ),
    **runs(" a", "a", " a=b", " a=", " a='b'", "'", '"', "=", "/", " ", " a='&", head="<urlset>&<a", tail="/>"),
    **runs("<!ENTITY a 'b'>", "x", "[", "]", "'", '"', "<!--", "<!-- -->", "-", "<", "<?",
           head="<!DOCTYPE a [<!ENTITY a 'b'>"),
    **runs("x", "&", "&amp;", "&nbsp;", "&#1;", "&#", "\0", "<b>", "<![CDATA[&]]>",
           head="<urlset>&<url><loc>", tail="</loc></url>"),
}  # fmt: skip
XML_VARIED: dict[str, Shape] = {
    "locations below a long base": lambda n: (
        f"<urlset xml:base='http://h.example/{'b' * (n // 2)}'>" + "<url><loc>x</loc></url>" * (n // 48)
    ),
    "bases below a long base": lambda n: (
        f"<urlset xml:base='http://h.example/{'b' * (n // 2)}'>" + "<url xml:base='x'/>" * (n // 40)
    ),
    "many attributes": numbered(" a#='b'", "<urlset", ">"),
    "many names": numbered("<e#/>", "<urlset>"),
    "many prefixes": numbered("<url xmlns:p#='x'><loc>http://h.example/#</loc></url>", "<urlset>"),
    "locations and hints by turns": numbered("<loc>http://h.example/#</loc><lastmod>20#</lastmod>", "<urlset><url>"),
    "many locations, then many hints": lambda n: (
        "<urlset><url>" + "<loc>http://h.example/x</loc>" * (n // 60) + "<lastmod>2020</lastmod>" * (n // 50)
    ),
}


BYTES = {
    **raw(runs("\0", "x", "xy", "PK", "\x1f\x8b\x08\0")),
    "gzip of nothing, again and again": lambda n: gzip.compress(b"") * (n // 20),
    "gzip of a byte, again and again": lambda n: gzip.compress(b"x") * (n // 21),
    "gzip with a name that never ends": lambda n: b"\x1f\x8b\x08\x08\0\0\0\0\0\0" + b"x" * n,
    "gzip with a long name": lambda n: b"\x1f\x8b\x08\x08\0\0\0\0\0\0" + b"x" * n + b"\0" + zlib.compress(b"x")[2:-4],
    "gzip of blanks": lambda n: gzip.compress(b" " * n),
    "gzip and junk": lambda n: gzip.compress(b"x") + b"x" * n,
    "zlib of blanks": lambda n: zlib.compress(b" " * n),
    "zlib and junk": lambda n: zlib.compress(b"x") + b"x" * n,
    "stored blocks": lambda n: zlib.compress(b"x" * n, 0)[2:-4],
    "empty stored blocks": lambda n: b"\0\0\0\xff\xff" * (n // 5),
    "brotli of blanks": lambda n: brotli.compress(b" " * n, quality=1),
    "brotli of noise": lambda n: brotli.compress(bytes(i * i % 251 for i in range(n)), quality=1),
    "brotli and junk": lambda n: brotli.compress(b"x" * 100) + b"x" * n,
    "brotli, half, and junk": lambda n: (
        brotli.compress(bytes(i * i % 251 for i in range(n)), quality=1)[: n // 8] + b"\0" * n
    ),
    "frames of nothing": lambda n: b"\x28\xb5\x2f\xfd\x20\0\1\0\0" * (n // 9),
    "frames to be skipped": lambda n: b"\x50\x2a\x4d\x18\0\0\0\0" * (n // 8),
    "a frame to be skipped": lambda n: b"\x50\x2a\x4d\x18" + n.to_bytes(4, "little") + b"x" * n,
}
TEXT = runs(
    "x", " ", "x ", "\n", "\r", "\t", "\0", "1", "1 ", "17 of 18 ", "1,", "1.", ".", "-", "%", "%41", "&", "<", "\\",
    "'",
    "e\u0301", "\u0301\u0316", "\u202e", "\ufeff", "\U000e0001", "ß", "\ud800", "http://h.example/", "Monday ",
)  # fmt: skip
FIELD = {name: shape for name, shape in TEXT.items() if "ud800" not in name}
"""Header fields come as bytes, which make no halves of characters."""
HREFS = made(runs("x\n", "/x\n", "http://h/\n", "#\n", "?\n", "../\n", "//\n", "data:,x\n"), str.splitlines)
PLACES: dict[str, Shape] = {
    "different hrefs": lambda n: [f"/{i}/x.png" for i in range(n // 10)],
    "hrefs with the ids of sessions": lambda n: [f"/0123456789abcdef/{i}.png" for i in range(n // 24)],
    "one long href": lambda n: ["/" + "x" * n],
    "one long number": lambda n: ["/" + "9" * n],
    "one long name": lambda n: ["/" + "-" * n + ".png"],
    "long data": lambda n: ["data:image/png;base64," + "A" * n] * 3,
}
