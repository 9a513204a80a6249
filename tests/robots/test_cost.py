"""What a robots.txt costs to read, and to ask about a URL, whatever a stranger wrote into it."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from crawler.model import Url
from crawler.robots import MAX_BYTES, RobotsRules, parse
from tests.cpu_time import STEP, check_growth, check_time

MAX_QUESTION_S = 0.006
"""Six times what it is reckoned to be at worst; it was up to 30 ms."""

ALL = b"User-agent: *\n"
PATH = "/" + "a" * 2060
Body = Callable[[int], bytes]


def many(line: bytes) -> Body:
    """So many bytes of a line; `%d` is its number."""
    return lambda size: b"".join(line.replace(b"%d", b"%d" % number) for number in range(size // (len(line) + 4)))


def both(first: Body, second: Body) -> Body:
    return lambda size: first(size // 2) + second(size // 2)


def of_all(body: Body) -> Body:
    return lambda size: ALL + body(size)


READING = {
    "names of everyone, then rules": both(many(ALL), many(b"Disallow: /%d\n")),
    "our names, then rules": both(many(b"User-agent: storybot\n"), many(b"Allow: /%d\n")),
    "our name and everyone in turn, then rules": both(
        many(b"User-agent: *\nUser-agent: storybot\n"), many(b"Disallow: /%d\n")
    ),
    "other names, then rules": both(many(b"User-agent: b%d\n"), many(b"Disallow: /%d\n")),
    "groups of one rule": many(b"User-agent: *\nDisallow: /%d\n"),
    "groups in turn": many(b"User-agent: *\nDisallow: /%d\nUser-agent: storybot\nAllow: /%d\n"),
    "one rule again and again": of_all(many(b"Disallow: /x\n")),
    "index pages": of_all(many(b"Allow: /%d/index.htm\n")),
    "rules with stars": of_all(many(b"Disallow: /*%d*$\n")),
    "rules that begin with each other": of_all(
        lambda size: b"".join(b"Allow: /" + b"a" * n + b"\n" for n in range(math.isqrt(2 * size)))
    ),
    "stars without a line end": of_all(lambda size: b"Disallow: /" + b"*a" * (size // 2)),
    "octets beyond ASCII": of_all(many(b"Disallow: /\xff\xfe\xfd\xfc\xfb%d\n")),
    "encoded letters": of_all(many(b"Disallow: /%7e%6f%6E%4d%ff\n")),
    "line ends": lambda size: b"\n" * size,
    "CR alone after a mark": lambda size: b"\xef\xbb\xbf" + b"Disallow: /\r" * (size // 12),
    "sitemaps": many(b"Sitemap: http://a.test/%d.xml\n"),
    "delays": of_all(many(b"Crawl-delay: %d\n")),
    "unknown fields": many(b"allowance%d: /x\n"),
    "words": many(b"allow /x %d\n"),
    "NULs and comments": many(b"Disallow: /x\0%d#\n"),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", READING)
def test_reading_takes_no_more_than_its_share_of_a_longer_file(shape: str) -> None:
    check_growth(lambda body: parse(body, "storybot"), READING[shape], MAX_BYTES // STEP, harmless_s=0.02)


ASKING = {
    "literal rules": (many(b"Allow: /%d\nDisallow: /%d\n"), "/articles/1.html"),
    "rules that begin with each other": (
        lambda size: b"".join(b"Disallow: /" + b"a" * n + b"!\n" for n in range(math.isqrt(2 * size))),
        PATH,
    ),
    "rules with stars": (many(b"Disallow: /*x%d\n"), PATH),
    "a thousand rules with a long part": (
        lambda size: b"".join(b"Allow: /*" + b"a" * 240 + b"b" + b"a" * 240 + b"%d\n" % n for n in range(1000)),
        PATH,
    ),
    "a thousand rules with two hundred stars": (
        lambda size: b"".join(b"Allow: /" + b"*a" * 240 + b"%d\n" % n for n in range(1000)),
        PATH,
    ),
    "parts that are nearly there": (many(b"Allow: /*aab%d\n"), PATH),
    "a path of encoded letters": (many(b"Disallow: /*aab%d\n"), "/" + "%7e" * 690),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", ASKING)
def test_asking_about_a_url_takes_a_moment_whatever_the_rules(shape: str) -> None:
    body, path = ASKING[shape]
    rules, url = parse(ALL + b"Disallow: /private\n" + body(MAX_BYTES - 100), "storybot"), Url(f"http://a.test{path}")
    assert isinstance(rules, RobotsRules)
    assert not rules.is_open
    check_time(lambda: rules.allows(url), MAX_QUESTION_S)


def test_stars_in_a_row_cost_what_one_does_and_forbid_no_more() -> None:
    rules = parse(f"User-agent: *\nDisallow: /{'*' * 10_000}z$\nAllow: /a\n".encode(), "bot")
    assert rules.allows(Url("http://h/" + "a" * 1500))
    assert not rules.allows(Url("http://h/az")), "and it is the longer rule"
