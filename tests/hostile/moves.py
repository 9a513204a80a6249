"""Redirects: loops, chains, forbidden places, and Locations that lead nowhere."""

from __future__ import annotations

from tests.hostile.answers import END, HTML, MIB, MISSING, answers, by_path, floods, page, says, titled
from tests.hostile.behaviour import (
    BAD,
    CONNECT,
    FETCHED,
    LARGE,
    LOOP,
    MOVED,
    REDIRECTED,
    Behaviour,
    Family,
    Talk,
    hostile,
)
from tests.hostile.line import Asked

BLOCKED = "failed/blocked-address"
SCHEME = "failed/blocked-scheme"


def moved(location: str, status: bytes = b"302 Found", *fields: bytes) -> bytes:
    """An answer that sends elsewhere."""
    return page("", b"Location: " + location.encode("utf-8", "surrogateescape") + END, *fields, status=status)


def _to(name: str, location: str, *expected: str, **changes: object) -> Behaviour:
    return hostile(name, says(moved(location)), *expected, **changes)


def _forbidden(place: str, target: str) -> Behaviour:
    """A redirect into a network that no stranger may send us to."""
    return _to(f"a redirect to {place}", place, MOVED, then={target: BLOCKED})


def _chain(asked: Asked) -> bytes:
    step = int(asked.path.rpartition("/")[2] or 0)
    return moved(f"/chain/{step + 1}")


def _between_two(asked: Asked) -> bytes:
    return moved("/other" if asked.path == "/" else "/")


def _ever_longer(asked: Asked) -> bytes:
    return moved(f"{asked.path.rstrip('/')}/more")


def _with_body(body: Talk) -> Talk:
    return by_path({"/": body, "/there": says(page(titled("There")))})


def _there(name: str, *answer: bytes, expected: tuple[str, ...] = (REDIRECTED,)) -> Behaviour:
    return hostile(name, _with_body(says(*answer)), *expected, then={"/there": FETCHED})


_FORBIDDEN = {
    "http://169.254.169.254/latest/meta-data/": "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/": "http://10.0.0.1/",
    "http://192.168.1.1/admin": "http://192.168.1.1/admin",
    "http://172.16.0.1:8080/": "http://172.16.0.1:8080/",
    "http://100.64.0.1/": "http://100.64.0.1/",
    "http://0.0.0.0/": "http://0.0.0.0/",
    "http://[::1]/": "http://[::1]/",
    "http://[::ffff:10.0.0.2]/": "http://[::ffff:a00:2]/",
    "http://[64:ff9b::a00:3]/": "http://[64:ff9b::a00:3]/",
    "http://[2002:a00:1::]/": "http://[2002:a00:1::]/",
    "http://[fd00:ec2::254]/": "http://[fd00:ec2::254]/",
    "http://[fe80::1]/": "http://[fe80::1]/",
    "http://[::10.0.0.4]/": "http://[::a00:4]/",
    "http://2852039166/decimal": "http://169.254.169.254/decimal",
    "http://0251.0376.0251.0376/octal": "http://169.254.169.254/octal",
    "http://0xa9fea9fe/hexadecimal": "http://169.254.169.254/hexadecimal",
    "http://169.254.43518/short": "http://169.254.169.254/short",
    "http://１６９.254.169.254/fullwidth": "http://169.254.169.254/fullwidth",
    "http://169。254。169。254/stops": "http://169.254.169.254/stops",
    "http://169.254.169.254./dotted": "http://169.254.169.254/dotted",
    "http://user:secret@10.0.0.5/": "http://10.0.0.5/",
    "//10.0.0.6/": "http://10.0.0.6/",
    "http:\\\\10.0.0.7\\": "http://10.0.0.7/",
    "http://224.0.0.1/": "http://224.0.0.1/",
    "http://255.255.255.255/": "http://255.255.255.255/",
}
_LOCATED = b"HTTP/1.1 302 Found\r\n" + HTML + b"Location: /there\r\n"

FAMILY = Family(
    "redirects",
    (
        *[_forbidden(place, target) for place, target in _FORBIDDEN.items()],
        *[
            _to(f"a redirect to {place[:30]}", place, SCHEME)
            for place in (
                "file:///etc/passwd",
                "gopher://10.0.0.1:25/_HELO",
                "data:text/html,<script>alert(1)</script>",
                "javascript:alert(document.cookie)",
                "ftp://ftp.test/",
                "mailto:a@b.test",
                "blob:http://a.test/b",
                "ws://127.66.0.1/",
                "about:blank",
                "view-source:http://10.0.0.1/",
            )
        ],
        *[
            _to(f"a redirect to {place}", place, BAD)
            for place in (
                "http://",
                "http:///",
                "https://",
                "http://[::1",
                "http://a b/",
                "http://%00/",
                "http://host:99999/",
                "http://host:port/",
            )
        ],
        _to("a redirect to itself", "/", LOOP),
        _to("a redirect to itself with a fragment", "/#top", LOOP),
        _to("a redirect to a fragment", "#top", LOOP),
        _to("a redirect to a bare question mark", "?", REDIRECTED, most_records=20),
        hostile("two that send to each other", answers(_between_two), REDIRECTED, then={"/other": LOOP}),
        hostile(
            "a chain without end",
            answers(_chain),
            REDIRECTED,
            path="/chain/0",
            then={"/chain/10": LOOP},
            most_records=12,
        ),
        hostile("a chain that grows", answers(_ever_longer), REDIRECTED, most_records=12),
        hostile("a Location of a megabyte", says(moved("/" + "x" * MIB)), BAD),
        hostile("a Location of 50 kB", says(moved("/" + "x" * 50000)), BAD),
        hostile("a Location of 3 kB", says(moved("/" + "x" * 3000)), BAD),
        hostile("control characters in a Location", says(moved("/a\x01b\x1b[31mc")), REDIRECTED, most_records=2),
        hostile("tabs in a Location", says(moved("/th\tere")), REDIRECTED, most_records=2),
        hostile("latin-1 in a Location", says(moved("/\udce4")), REDIRECTED, most_records=2),
        hostile("UTF-8 in a Location", says(moved("/größer")), REDIRECTED, most_records=2),
        hostile("percent signs in a Location", says(moved("/%%%zz%")), REDIRECTED, most_records=2),
        hostile("dots in a Location", says(moved("/../../../../etc/passwd")), REDIRECTED, most_records=2),
        hostile("no Location", says(page(titled("Nowhere"), status=b"302 Found")), FETCHED),
        hostile("an empty Location", says(page(titled("Empty"), b"Location: \r\n", status=b"302 Found")), FETCHED),
        _there("two Locations, alike", moved("/there", b"302 Found", b"Location: /there\r\n")),
        hostile("two Locations", says(moved("/there", b"302 Found", b"Location: /elsewhere\r\n")), BAD),
        _there("300 with a Location", moved("/there", b"300 Multiple Choices")),
        _there("399 with a Location", moved("/there", b"399 Beyond")),
        _there("a redirect with 50 cookies", moved("/there", b"307 Temporary Redirect", b"Set-Cookie: a=b\r\n" * 50)),
        hostile("300 without a Location", says(page(titled("300"), status=b"300 Multiple Choices")), FETCHED),
        hostile("304 to no condition", says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), BAD),
        hostile("305: use this proxy", says(moved("http://10.0.0.8/", b"305 Use Proxy")), FETCHED),
        hostile("201 with a Location", says(moved("/there", b"201 Created")), FETCHED),
        hostile("200 with a Location", says(moved("http://10.0.0.9/", b"200 OK")), FETCHED),
        hostile(
            "a redirect with a body without end",
            _with_body(floods(_LOCATED + END, b"more " * 13000)),
            LARGE,
            most_records=2,
        ),
        hostile(
            "a redirect with a body shorter than said",
            _with_body(says(_LOCATED, b"Content-Length: 99\r\n\r\nx")),
            BAD,
            most_records=2,
        ),
        hostile(
            "a redirect with a broken coding",
            _with_body(says(moved("/there", b"302 Found", b"Content-Encoding: gzip\r\n"))),
            REDIRECTED,
            then={"/there": FETCHED},
        ),
        _to(
            "a redirect to a port that is closed",
            "http://127.66.254.1:1/",
            MOVED,
            then={"http://127.66.254.1:1/": CONNECT},
        ),
        _to(
            "a redirect to port 0",
            "http://127.66.254.1:0/",
            MOVED,
            then={"http://127.66.254.1:0/": CONNECT},
        ),
        hostile(
            "a redirect to https that is none",
            answers(lambda asked: moved(asked.site.replace("http:", "https:")) if asked.path == "/" else MISSING),
            REDIRECTED,
        ),
        _to(
            "a redirect to a name that is none",
            "http://no-such-host.invalid/",
            MOVED,
            then={"http://no-such-host.invalid/": "failed/dns"},
        ),
        _to("a redirect to Punycode that is none", "http://xn--a-ecp.ru/", MOVED),
        _to("a redirect to soft hyphens", "http://10.0\u00ad.0.10/", MOVED),
    ),
)
