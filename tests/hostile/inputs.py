"""Documents made to hurt a parser, as functions, so that none is made before it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

MB = 1_000_000


def _nested(begin: str, count: int, end: str = "") -> str:
    return begin * count + "deep" + end * count


def _attributes(count: int) -> str:
    return "<p " + " ".join([f"a{i}=b" for i in range(count)]) + ">"


def _links(count: int) -> str:
    return "".join([f"<a href=//127.66.254.4/{i}>" for i in range(count)])


def _words(count: int) -> str:
    return "".join([f"w{i * 7919:x} " for i in range(count)])


TORTURE: Mapping[str, Callable[[], str]] = {
    "100,000 attributes": lambda: _attributes(100_000),
    "1,000,000 attributes": lambda: _attributes(1_000_000),
    "100,000 nested elements": lambda: _nested("<div>", 100_000),
    "1,000,000 nested elements": lambda: _nested("<div>", 1_000_000),
    "a 50 MB attribute": lambda: '<p title="' + "x" * (50 * MB) + '">',
    "1,000,000 links": lambda: _links(1_000_000),
    "a 20 MB comment": lambda: "<!--" + "x" * (20 * MB) + "-->",
    "5 MB of <": lambda: "<" * (5 * MB),
}
"""What issue trackers of other crawlers and parsers are full of: each alone stands in docs/reliability.md."""

MARKUP: Mapping[str, Callable[[], str | bytes]] = {
    "100,000 attributes": lambda: _attributes(100_000),
    "100,000 attributes of one name": lambda: "<p " + "a=b " * 100_000 + ">",
    "100,000 nested elements": lambda: _nested("<div>", 100_000),
    "100,000 nested elements, closed": lambda: _nested("<div>", 100_000, "</div>"),
    "100,000 nested custom elements": lambda: _nested("<x-y>", 100_000),
    "50,000 nested fonts": lambda: _nested("<font>", 50_000),
    "50,000 misnested formats": lambda: "<b><i><u><p>" * 12_500 + "</b></i></u>" * 12_500,
    "20,000 nested tables": lambda: _nested("<table><tr><td>", 20_000),
    "100,000 words fostered by a table": lambda: "<table>" + "x<b>" * 100_000,
    "50,000 nested svg": lambda: _nested("<svg>", 50_000),
    "50,000 nested math": lambda: _nested("<math><mi>", 50_000),
    "svg and HTML by turns": lambda: _nested("<svg><foreignObject><div>", 20_000),
    "50,000 nested templates": lambda: _nested("<template>", 50_000),
    "50,000 nested selects": lambda: _nested("<select><option>", 50_000),
    "50,000 nested lists": lambda: _nested("<ul><li>", 50_000),
    "50,000 nested rubies": lambda: _nested("<ruby><rt>", 50_000),
    "50,000 nested buttons": lambda: _nested("<button>", 50_000),
    "50,000 nested forms": lambda: _nested("<form>", 50_000),
    "50,000 nested frames": lambda: _nested("<frameset>", 50_000),
    "100,000 open anchors": lambda: "<a href=//127.66.254.4/x>" * 100_000,
    "anchors in formats": lambda: "<a href=#><b>" * 30_000,
    "an attribute of 15 MB": lambda: '<p title="' + "x" * (15 * MB) + '">',
    "an attribute without end": lambda: '<p title="' + "x" * (5 * MB),
    "a tag of 5 MB": lambda: "<" + "x" * (5 * MB) + ">",
    "500,000 links out of scope": lambda: _links(500_000),
    "a link of 5 MB": lambda: '<a href="/' + "x" * (5 * MB) + '">long</a>',
    "a link of 5 MB of dots": lambda: '<a href="' + "../" * 1_600_000 + '">dots</a>',
    "100,000 fragments": lambda: "".join([f"<a href=#f{i}>f</a>" for i in range(100_000)]),
    "100,000 links that are scripts": lambda: "<a href='javascript:go(1)'>x</a>" * 100_000,
    "data URIs of a megabyte": lambda: f"<a href='data:text/html,{'x' * MB}'>x</a><img src='data:,{'y' * MB}'>",
    "a comment of 15 MB": lambda: "<!--" + "x" * (15 * MB) + "-->",
    "a comment without end": lambda: "<!--" + "x-" * (2 * MB),
    "1,000,000 comments": lambda: "<!---->" * 1_000_000,
    "5 MB of <": lambda: "<" * (5 * MB),
    "5 MB of <!--": lambda: "<!--" * 1_250_000,
    "5 MB of </": lambda: "</" * (5 * MB // 2),
    "5 MB of <?": lambda: "<?" * (5 * MB // 2),
    "5 MB of <!": lambda: "<!" * (5 * MB // 2),
    "5 MB of &": lambda: "&" * (5 * MB),
    "5 MB of quotes": lambda: '<p a="' * 800_000,
    "1,000,000 </p>": lambda: "</p>" * 1_000_000,
    "1,000,000 <p>": lambda: "<p>" * 1_000_000,
    "1,000,000 <br>": lambda: "<br>" * 1_000_000,
    "3,000,000 entities": lambda: "&amp;" * 3_000_000,
    "entities nobody knows": lambda: "&nonsense;&CounterClockwiseContourIntegra" * 100_000,
    "entities beyond Unicode": lambda: "&#99999999999;&#xD800;&#x110000;&#0;&#x80;" * 50_000,
    "NULs": lambda: b"<p>\0" * 200_000,
    "a page of NULs": lambda: b"<html>" + bytes(2 * MB),
    "CDATA without end": lambda: "<svg><![CDATA[" + "x]]" * 500_000,
    "a doctype of 5 MB": lambda: '<!DOCTYPE html PUBLIC "' + "x" * (5 * MB) + '">',
    "a script of 15 MB without end": lambda: "<script>" + "x<!--<script>" * 1_200_000,
    "a style without end": lambda: "<style>" + "a{b:c}" * 500_000,
    "a textarea without end": lambda: "<textarea>" + "<p>x" * 500_000,
    "plain text without end": lambda: "<plaintext>" + "<p>x" * 500_000,
    "noscript in noscript": lambda: _nested("<noscript>", 50_000),
    "a title of 10 MB": lambda: "<title>" + "long title " * 900_000 + "</title>",
    "100,000 titles": lambda: "<title>x</title>" * 100_000,
    "a description of 5 MB": lambda: '<meta name=description content="' + "d " * (5 * MB // 2) + '">',
    "a language of a megabyte": lambda: f'<html lang="{"x" * MB}">',
    "a canonical link of a megabyte": lambda: f'<link rel=canonical href="/{"x" * MB}">',
    "relations of a megabyte": lambda: f'<link rel="{"next " * 200_000}" href="//127.66.254.4/">',
    "100,000 robots directives": lambda: "<meta name=robots content='nofollow, all, max-snippet:1'>" * 100_000,
    "100,000 charsets": lambda: "<meta charset=utf-7><meta charset=utf-16>" * 50_000,
    "a million different words": lambda: _words(1_000_000),
    "one word of 5 MB": lambda: "x" * (5 * MB),
    "5 MB of blanks": lambda: "<p>" + " " * (5 * MB),
    "5 MB of combining marks": lambda: "<p>a" + "\u0301" * (5 * MB // 2),
    "right-to-left overrides": lambda: "<title>\u202etxt.exe\u2066\u2069</title>" + "\u202e" * 200_000,
    "100,000 bases": lambda: "".join([f"<base href=/{i}/>" for i in range(100_000)]),
    "100,000 refreshes": lambda: "<meta http-equiv=refresh content='0;url=//127.66.254.4/'>" * 100_000,
    "a srcset of a megabyte": lambda: f"<img srcset='{'a.png 1x, ' * 100_000}'>",
}
"""Documents of up to 16 MiB, which is as large as the crawl takes them."""

SMALL: Mapping[str, Callable[[], str | bytes]] = {
    "30,000 links out of scope": lambda: _links(30_000),
    "100,000 comments": lambda: "<!---->" * 100_000,
    "300 kB of <": lambda: "<" * 300_000,
    "100,000 <br>": lambda: "<br>" * 100_000,
    "100,000 entities": lambda: "&amp;" * 100_000,
    "a doctype of a megabyte": lambda: '<!DOCTYPE html PUBLIC "' + "x" * MB + '">',
    "a script of 600 kB without end": lambda: "<script>" + "x<!--<script>" * 50_000,
    "60,000 different words": lambda: _words(60_000),
    "a megabyte of blanks": lambda: "<p>" + " " * MB,
    "10,000 refreshes": lambda: "<meta http-equiv=refresh content='0;url=//127.66.254.4/'>" * 10_000,
}
"""One of each kind of those above that are too large for the suite."""
