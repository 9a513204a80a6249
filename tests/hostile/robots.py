"""robots.txt abused: without end, enormous, looping, slow, and rules made to be expensive."""

from __future__ import annotations

import gzip

from tests.hostile.answers import END, MIB, OK, answers, drips, floods, makes, page, resets, says, stalls, titled
from tests.hostile.behaviour import FETCHED, NO_ROBOTS, ROBOTS, Behaviour, Family, Talk, hostile
from tests.hostile.codings import coded, gzip_bomb
from tests.hostile.line import Asked
from tests.hostile.moves import moved

_PLAIN = b"Content-Type: text/plain\r\n"
_LONG_PATH = "/" + "a" * 1500


def _site(name: str, robots: Talk, *expected: str, path: str = "/", **changes: object) -> Behaviour:
    """An honest page behind this robots.txt."""
    honest = answers(lambda asked: page(titled(f"Behind {name}")))
    return hostile(name, honest, *expected, robots=robots, path=path, **changes)


def _says(name: str, text: str | bytes, *expected: str, path: str = "/") -> Behaviour:
    return _site(name, says(page(text, kind=_PLAIN)), *expected, path=path)


def _loop(asked: Asked) -> bytes:
    return moved("/robots.txt")


_ALL = "User-agent: *\n"

FAMILY = Family(
    "robots.txt",
    (
        _site("robots.txt without end", floods(OK + _PLAIN + END, b"Disallow: /private/\n" * 3000), FETCHED),
        _site(
            "a robots.txt of 10 MB that forbids all at its start",
            floods(OK + _PLAIN + END + b"User-agent: *\nDisallow: /\n", b"# more\n" * 9000, 160),
            ROBOTS,
        ),
        _says(
            "a robots.txt of 600 kB that forbids all at its end",
            "# comment\n" * 60000 + _ALL + "Disallow: /\n",
            FETCHED,
        ),
        _says("a robots.txt of random bytes", bytes((i * 73 + 41) % 256 for i in range(40000)), FETCHED),
        _says("a robots.txt of NULs", bytes(40000), FETCHED),
        _says("NULs in the rules", "User-agent: *\0\nDisallow: /\0\n", ROBOTS),
        _says("a robots.txt in UTF-16", (_ALL + "Disallow: /\n").encode("utf-16"), FETCHED),
        _says("a robots.txt with a BOM", "\ufeff" + _ALL + "Disallow: /\n", ROBOTS),
        _says("a robots.txt of HTML", titled("Soft 404"), FETCHED),
        _says("a line of 400 kB", _ALL + "Disallow: /" + "x" * 400000 + "\n", FETCHED),
        _says("a robots.txt with CR alone", "User-agent: *\rDisallow: /\r", ROBOTS),
        _says("all is forbidden", _ALL + "Disallow: /\n", ROBOTS),
        _says("100,000 rules", _ALL + "".join(f"Disallow: /p{i}\n" for i in range(40000)), FETCHED),
        _says(
            "20,000 rules with wildcards",
            _ALL + "".join(f"Disallow: /*a{i}*b\n" for i in range(20000)),
            ROBOTS,
            path=_LONG_PATH,
        ),
        _says("a wildcard catastrophe", _ALL + f"Disallow: /{'*a' * 5000}*b$\n", FETCHED, path=_LONG_PATH),
        _says(
            "a hundred wildcard catastrophes", _ALL + f"Disallow: /{'*a' * 1000}*b$\n" * 100, FETCHED, path=_LONG_PATH
        ),
        _says("stars alone", _ALL + f"Disallow: {'*' * 10000}z$\n", FETCHED, path=_LONG_PATH),
        _says("dollars alone", _ALL + f"Disallow: {'$' * 10000}\n", FETCHED),
        _says("percent signs", _ALL + f"Disallow: /{'%' * 10000}\nDisallow: /%zz%\n", FETCHED),
        _says("100,000 groups", "".join(f"User-agent: b{i}\nDisallow: /\n" for i in range(14000)), FETCHED),
        _says(
            "100,000 agents of one group",
            "".join(f"User-agent: b{i}\n" for i in range(30000)) + "Disallow: /\n",
            FETCHED,
        ),
        *[
            _says(f"Crawl-delay: {delay}", f"{_ALL}Crawl-delay: {delay}\n", FETCHED)
            for delay in ("999999999", "-1", "nan", "inf", "1e308", "soon", "0x10")
        ],
        _says(
            "100,000 sitemaps", _ALL + "".join(f"Sitemap: http://127.66.254.2/{i}.xml\n" for i in range(12000)), FETCHED
        ),
        _site("robots.txt that sends to itself", answers(_loop), FETCHED),
        _site("robots.txt at a private address", says(moved("http://169.254.169.254/robots.txt")), NO_ROBOTS),
        _site("robots.txt in a file", says(moved("file:///etc/passwd")), FETCHED),
        _site("robots.txt nowhere", says(moved("http://")), FETCHED),
        _site("robots.txt: 304", says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), NO_ROBOTS),
        *[
            _site(f"robots.txt: {status}", says(page("", status=f"{status} Told".encode())), *expected)
            for status, *expected in (
                (204, FETCHED),
                (400, FETCHED),
                (401, FETCHED),
                (403, FETCHED),
                (410, FETCHED),
                (429, NO_ROBOTS),
                (500, NO_ROBOTS),
                (501, NO_ROBOTS),
                (503, NO_ROBOTS),
                (599, NO_ROBOTS),
                (999, NO_ROBOTS),
            )
        ],
        _site(
            "robots.txt: 503 for ten years",
            says(page("", b"Retry-After: 315360000\r\n", status=b"503 Away")),
            NO_ROBOTS,
        ),
        _site("robots.txt: silence", stalls(), NO_ROBOTS, is_quick=False),
        _site(
            "robots.txt at a byte a second",
            drips(OK + _PLAIN + b"Content-Length: 500\r\n\r\n", b"#" * 500),
            NO_ROBOTS,
            is_quick=False,
        ),
        _site("robots.txt reset", resets(), "failed/connect"),
        _site("robots.txt cut short", says(OK, _PLAIN, b"Content-Length: 500\r\n\r\nUser-agent"), NO_ROBOTS),
        _site("robots.txt that is no HTTP", says(b"User-agent: *\nDisallow:\n\n"), NO_ROBOTS),
        _site(
            "robots.txt: interim answers without end", floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999), NO_ROBOTS
        ),
        _site("robots.txt: a field of a megabyte", says(page("", b"X: " + b"x" * MIB + b"\r\n")), NO_ROBOTS),
        _site(
            "robots.txt: 10 TB",
            says(OK, _PLAIN, b"Content-Length: 10000000000000\r\n\r\n", b"#" * 99),
            NO_ROBOTS,
        ),
        _site("robots.txt: a gzip bomb", makes(lambda: coded(gzip_bomb(2048), "gzip")), NO_ROBOTS),
        _site("robots.txt: broken gzip", says(coded(b"User-agent: *", "gzip")), NO_ROBOTS),
        _site(
            "robots.txt: gzip that forbids all",
            says(coded(gzip.compress(b"User-agent: *\nDisallow: /\n"), "gzip")),
            ROBOTS,
        ),
        _site(
            "robots.txt: a coding nobody knows",
            says(coded(b"User-agent: *\nDisallow: /\n", "quantum")),
            ROBOTS,
        ),
    ),
)
