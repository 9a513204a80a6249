"""Sitemaps and feeds: bombs, entities, loops, and more entries than anybody reads."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache

from tests.hostile.answers import answers, makes, page
from tests.hostile.behaviour import FETCHED, Behaviour, Family, hostile
from tests.hostile.codings import gzip_bomb
from tests.hostile.line import Asked

_XML = b"Content-Type: application/xml\r\n"
_GZIP = b"Content-Type: application/gzip\r\n"
_PARSE = "failed/parse"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_OUTSIDE = "http://127.66.254.3/"
"""Out of scope, so that nothing there is asked for."""


def _map(name: str, text: Callable[[], str | bytes], *expected: str, **changes: object) -> Behaviour:
    return hostile(name, makes(lambda: page(text(), kind=_XML)), *expected, path="/sitemap.xml", **changes)


def _says(name: str, text: str | bytes, *expected: str, **changes: object) -> Behaviour:
    return _map(name, lambda: text, *expected, **changes)


def urlset(entries: str) -> str:
    return f'{_HEAD}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def _urls(count: int) -> str:
    return urlset("".join(f"<url><loc>{_OUTSIDE}{i}</loc></url>" for i in range(count)))


def _index(*places: str) -> bytes:
    entries = "".join(f"<sitemap><loc>{place}</loc></sitemap>" for place in places)
    return page(f"{_HEAD}<sitemapindex>{entries}</sitemapindex>", kind=_XML)


def _index_of_itself(asked: Asked) -> bytes:
    return _index(f"{asked.site}/sitemap.xml", f"{asked.site}/other.xml")


def _indexes_without_end(asked: Asked) -> bytes:
    level = asked.path.count("x")
    return _index(*[f"{asked.site}/sitemap.xml{'x' * (level + 1)}{i}" for i in range(2)])


@cache
def _zipped_megabytes() -> bytes:
    return gzip.compress(b"<?xml version='1.0'?><urlset>" + (b" " * 1023 + b"\n") * 60000 + b"</urlset>", 1)


_LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
_QUADRATIC = f'<!DOCTYPE z [<!ENTITY a "{"a" * 50000}">]>'
_XXE = '<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
_ITEM = "<item><title>i</title><link>%s</link></item>"

FAMILY = Family(
    "sitemaps",
    (
        _says(
            "a sitemap that reads a file (XXE)",
            _XXE + "<urlset><url><loc>&x;</loc></url></urlset>",
            FETCHED,
            most_records=2,  # `&x;` is a place like any other
        ),
        _says(
            "a sitemap that asks elsewhere (SSRF)",
            f'<!DOCTYPE u SYSTEM "{_OUTSIDE}x.dtd">' + urlset("<url><loc>/</loc></url>")[38:],
            FETCHED,
            most_records=2,
        ),
        _says(
            "a billion laughs",
            f'<!DOCTYPE z [<!ENTITY l0 "ha">{_LAUGHS}]><urlset><url><loc>&l9;</loc></url></urlset>',
            FETCHED,
            most_records=2,
        ),
        _says("quadratic blow-up", f"{_QUADRATIC}<urlset><url><loc>{'&a;' * 50000}</loc></url></urlset>", FETCHED),
        _says("parameter entities", f'<!DOCTYPE z [<!ENTITY % p SYSTEM "{_OUTSIDE}e"> %p;]><urlset/>', FETCHED),
        _map("a sitemap of 200,000 URLs", lambda: _urls(200000), FETCHED, is_quick=False),
        hostile(
            "a sitemap of 60 MB in gzip",
            makes(lambda: page(_zipped_megabytes(), kind=_GZIP)),
            FETCHED,
            path="/sitemap.xml.gz",
            is_quick=False,
        ),
        hostile(
            "a sitemap that is a gzip bomb",
            makes(lambda: page(gzip_bomb(4096), kind=_GZIP)),
            FETCHED,
            path="/sitemap.xml.gz",
            is_quick=False,
        ),
        hostile("an index of itself", answers(_index_of_itself), FETCHED, path="/sitemap.xml", most_records=3),
        hostile(
            "indexes within indexes without end",
            answers(_indexes_without_end),
            FETCHED,
            path="/sitemap.xml",
            most_records=40,
        ),
        _says("a location of a megabyte", urlset(f"<url><loc>{_OUTSIDE}{'x' * 1000000}</loc></url>"), FETCHED),
        _says(
            "locations that are none",
            urlset(
                "".join(
                    f"<url><loc>{place}</loc></url>"
                    for place in (
                        "javascript:alert(1)",
                        "file:///etc/passwd",
                        "http://169.254.169.254/",
                        "data:,x",
                        "",
                        "http://[",
                        "//",
                    )
                )
            ),
            FETCHED,
        ),
        _says("100,000 elements within each other", "<urlset>" + "<a>" * 100000, FETCHED),
        _says("a sitemap cut short", urlset(f"<url><loc>{_OUTSIDE}</loc></url>")[:-5], FETCHED),
        _says("a sitemap that is not well-formed", "<urlset><url><loc>x</url></loc></urlset>", FETCHED, most_records=2),
        _says(
            "100,000 attributes on a sitemap's element",
            "<urlset " + " ".join(f'a{i}="b"' for i in range(100000)) + "/>",
            FETCHED,
        ),
        _says("a sitemap with NULs", urlset("<url><loc>\0</loc></url>"), _PARSE),
        _says("a sitemap in UTF-7", "<?xml version='1.0' encoding='UTF-7'?>+ADw-urlset+AD4-", FETCHED),
        _says(
            "a sitemap in UTF-16 that says UTF-8",
            urlset("<url><loc>x</loc></url>").encode("utf-16"),
            FETCHED,
            most_records=2,
        ),
        _says("an encoding nobody knows", "<?xml version='1.0' encoding='quantum'?><urlset/>", FETCHED),
        _says(
            "dates and priorities of nonsense",
            urlset(f"<url><loc>{_OUTSIDE}</loc><lastmod>99999-99-99</lastmod><priority>1e400</priority></url>"),
            FETCHED,
        ),
        hostile(
            "a sitemap in text, one line of 5 MB",
            makes(lambda: page("http://" + "x" * 5000000, kind=b"Content-Type: text/plain\r\n")),
            FETCHED,
            path="/sitemap.txt",
            is_quick=False,
        ),
        _says("a feed with entities", f"{_XXE}<rss><channel>{_ITEM % '&x;'}</channel></rss>", FETCHED, most_records=2),
        _map(
            "a feed of 100,000 items",
            lambda: "<rss><channel>" + (_ITEM % _OUTSIDE) * 100000 + "</channel></rss>",
            FETCHED,
            is_quick=False,
        ),
        _says(
            "a feed with bases without end",
            "<feed>" + "".join(f'<e xml:base="a{i}/">' for i in range(200)) + '<entry><link href="x"/></entry>',
            FETCHED,
            most_records=10,
        ),
        _says(
            "a feed whose base is a script",
            '<feed xml:base="javascript:x"><entry><link href="y"/></entry></feed>',
            FETCHED,
            most_records=2,  # it counts as none, as in HTML
        ),
        hostile(
            "XHTML with entities",
            makes(
                lambda: page(_XXE + "<html><title>&x;</title></html>", kind=b"Content-Type: application/xhtml+xml\r\n")
            ),
            FETCHED,
        ),
        hostile(
            "XHTML that laughs",
            makes(
                lambda: page(
                    f'<!DOCTYPE html [<!ENTITY l0 "ha">{_LAUGHS}]><html><title>&l9;</title></html>',
                    kind=b"Content-Type: application/xhtml+xml\r\n",
                )
            ),
            FETCHED,
        ),
        hostile(
            "a stylesheet instruction",
            makes(lambda: page('<?xml-stylesheet href="file:///etc/passwd"?><html/>', kind=_XML)),
            FETCHED,
        ),
    ),
)
