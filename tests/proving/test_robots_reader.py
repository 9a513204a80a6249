"""The second reader of robots.txt and the crawl's own one answer alike, whatever the file; they share no code."""

from __future__ import annotations

from random import Random

import pytest

from crawler.model import Url
from crawler.proving.robots_reader import read_robots
from crawler.robots import parse

FIELDS = ("User-agent", "user-agent", "Useragent", "Disallow", "disallow", "Dissalow", "Allow", "ALLOW", "Crawl-delay",
          "Sitemap", "Host", "allowance")  # fmt: skip
VALUES = ("*", "crawld", "Crawld/1.0", "other", "/", "/a", "/a/", "/a*", "/*b$", "/a/*/c", "$", "/a$", "/index.html",
          "/a/index.htm", "", "3", "0.5", "-1", "nan", "/%61", "/%C3%B8", "/ø", "/a%2fb", "/*?x=", "/a$b", "/**c", "*",
          "/private", "/a b", "/b # c", "'")  # fmt: skip
PATHS = ("/", "/a", "/a/", "/a/b", "/ab", "/a/x/c", "/index.html", "/a/index.html", "/b", "/xb", "/%C3%B8", "/a%2Fb",
         "/a?x=1", "/a$b", "/private/x", "/robots.txt", "/a/b/c", "/ccc", "/%7Ea", "/a%20b", "/*", "/a'")  # fmt: skip


def write_file(chance: Random) -> bytes:
    lines = []
    for _ in range(chance.randint(1, 14)):
        colon = chance.choice((":", ":", ": ", " : ", " "))
        lines.append(f"{chance.choice(FIELDS)}{colon}{chance.choice(VALUES)}")
    text = chance.choice(("\n", "\r\n", "\r")).join(lines)
    return chance.choice((b"", b"", b"\xef\xbb\xbf")) + text.encode(chance.choice(("utf-8", "latin-1")))


@pytest.mark.parametrize("seed", range(4))
def test_both_readers_allow_the_same(seed: int) -> None:
    chance = Random(seed)
    for _ in range(300):
        body = write_file(chance)
        rules, group = parse(body, "crawld"), read_robots(body, "crawld")
        assert rules.delay_s == group.delay_s, body
        for path in PATHS:
            url = Url(f"http://a.test{path}")
            found = group.find(path)
            assert rules.allows(url) == (found is None or found.is_allow), (body, path, found)


def test_the_longest_line_decides_and_allow_wins_a_tie() -> None:
    group = read_robots(b"User-agent: *\nDisallow: /a\nAllow: /a/b\nAllow: /c\nDisallow: /c\n", "crawld")
    found = {path: (line.number, line.is_allow) for path in ("/a", "/a/b", "/c") if (line := group.find(path))}
    assert found == {"/a": (2, False), "/a/b": (3, True), "/c": (4, True)}
    assert group.find("/d") is None
