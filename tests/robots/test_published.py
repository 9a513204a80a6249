"""What Google's published tests of robots.txt say, fact by fact, in files and words of our own.

Not among them: that an empty URL is forbidden, and how a path is cut out of a URL: what we ask about is a Url, whose
path is neither empty nor in doubt.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crawler.model import Url
from crawler.robots import parse
from crawler.standing import RobotsVerdict

LONG = 2083 * 8 - 1
"""Bytes of a line that count."""


def allowed(text: str | bytes, agent: str, path: str) -> bool:
    body = text if isinstance(text, bytes) else text.encode()
    return parse(body, agent).allows(Url(f"http://a.test{path}"))


def check(text: str, allows: str, forbids: str, agent: str = "Reader") -> None:
    """Paths that the file allows the agent, and paths that it forbids."""
    assert [path for path in allows.split() if not allowed(text, agent, path)] == []
    assert [path for path in forbids.split() if allowed(text, agent, path)] == []


def test_an_empty_file_and_an_empty_name_allow_all() -> None:
    assert allowed("", "Reader", "/")
    assert allowed("", "", "/")
    assert allowed("user-agent: Reader\ndisallow: /\n", "", "/")
    assert not allowed("user-agent: Reader\ndisallow: /\n", "Reader", "/")


def test_a_line_is_a_name_a_colon_and_a_value_and_the_colon_may_be_missing() -> None:
    check("user-agent: Reader\ndisallow: /\n", "", "/x/y")
    check("reader: Reader\nforbid: /\n", "/x/y", "")
    check("user-agent Reader\ndisallow /\n", "", "/x/y")
    check("user-agent  \t Reader\ndisallow \t/\n", "", "/x/y")
    check("user-agent: Reader\ndisallow / x\n", "/ /x/y", "")


GROUPS = """
allow: /before/

user-agent: Reader
disallow: /
allow: /x/
user-agent: Writer
disallow: /
allow: /y/


allow: /w/
user-agent: Printer

user-agent: Reader
allow: /z/
disallow: /
"""


def test_rules_belong_to_the_names_above_them_and_groups_of_one_name_are_one() -> None:
    check(GROUPS, "/x/b /z/d", "/y/c /before/", "Reader")
    check(GROUPS, "/y/c /w/a", "/z/d /before/", "Writer")
    check(GROUPS, "/z/d", "/before/", "Printer")


@pytest.mark.parametrize("between", ["Sitemap: https://a.test/map", "Unknown-Field: something"])
@pytest.mark.parametrize("agent", ["Reader", "Stranger"])
def test_fields_that_are_no_rules_do_not_end_a_list_of_names(between: str, agent: str) -> None:
    check(f"User-agent: Reader\n{between}\nUser-agent: *\nDisallow: /\n", "", "/", agent)


@pytest.mark.parametrize("spell", [str.upper, str.lower, str.title, str.swapcase])
def test_fields_and_names_are_read_in_any_case(spell: Callable[[str], str]) -> None:
    text = f"{spell('user-agent')}: {spell('reader room')}\n{spell('allow')}: /x/\n{spell('disallow')}: /\n"
    for agent in ("Reader", "reader", "READER"):
        check(text, "/x/y", "/a/b", agent)


def test_a_name_ends_where_no_name_goes_on() -> None:
    text = "User-Agent: *\nDisallow: /\nUser-Agent: Reader Room\nAllow: /x/\nDisallow: /\n"
    check(text, "/x/y", "", "Reader")
    check(text, "", "/x/y", "Reader Room")
    check("User-Agent: Reader/2.1\nDisallow: /\n", "", "/", "Reader")
    check("User-Agent: Reader-Room\nDisallow: /\n", "/", "", "Reader")
    check("User-Agent: Reader_Room\nDisallow: /\n", "", "/", "reader_room")
    check("User-Agent: *\nUser-Agent: ツ\nDisallow: /\n", "", "/", "Reader")


def test_who_is_not_named_obeys_what_is_said_to_everyone() -> None:
    everyone = "user-agent: *\nallow: /\nuser-agent: Reader\ndisallow: /\n"
    check(everyone, "", "/x/y", "Reader")
    check(everyone, "/x/y", "", "Writer")
    check("user-agent: Reader\ndisallow: /\nuser-agent: Writer\ndisallow: /\n", "/x/y", "", "Printer")
    check("user-agent: *\ndisallow: /x/\nuser-agent: Reader\ndisallow: /y/\n", "/x/page", "/y/page", "Reader")


@pytest.mark.parametrize(
    ("rules", "allows", "forbids"),
    [
        ("disallow: /x/", "/X/y", "/x/y"),
        ("disallow: /X/", "/x/y", "/X/y"),
        ("disallow: /x/page.html\nallow: /x/", "/x/", "/x/page.html"),
        ("allow: /x/page.html\ndisallow: /x/", "/x/page.html", "/x/"),
        ("disallow: \nallow: ", "/x", ""),
        ("disallow: /\nallow: /", "/x", ""),
        ("disallow: /x\nallow: /x/", "/x/", "/x"),
        ("disallow: /x/page.html\nallow: /x/page.html", "/x/page.html", ""),
        ("allow: /page\ndisallow: /*.html", "/page", "/page.html"),
        ("allow: /x/page.\ndisallow: /*.html", "/x/page.html", "/x/y.html"),
        ("allow: /p\ndisallow: /", "/page", "/x"),
        ("allow: /folder\ndisallow: /folder", "/folder/page", ""),
        ("allow: /page\ndisallow: /*.htm", "/page", "/page.htm"),
        ("allow: /$\ndisallow: /", "/", "/page.html"),
    ],
)
def test_the_longest_pattern_decides_and_allow_wins_a_tie(rules: str, allows: str, forbids: str) -> None:
    check(f"user-agent: Reader\n{rules}\n", allows, forbids)


@pytest.mark.parametrize(
    ("rules", "allows", "forbids"),
    [
        ("Disallow: /\nAllow: /a?b=c&d=http://e.test?f&g", "/a?b=c&d=http://e.test?f&g", "/a?b=c"),
        ("Disallow: /\nAllow: /a/ツ", "/a/%E3%83%84", "/a/ツ"),
        ("Disallow: /\nAllow: /a/%e3%83%84", "/a/%E3%83%84", "/a/ツ"),
        ("Disallow: /\nAllow: /a/%62%61%7A", "/a/%62%61%7A", "/a/baz"),
        ("Disallow: /á", "/a", "/%C3%A1"),
        ("Disallow: /%aa", "/%ab", "/%AA"),
        ("Disallow: /a/quz\nAllow: /a/*/qux", "/quz /a/bax/quz", "/a/quz"),
        ("Disallow: /a/b$\nAllow: /a/b/qux", "/a/b/qux /a/b/ /a/b/baz", "/a/b"),
        ("# Disallow: /\nDisallow: /a/quz#qux\nAllow: /", "/a/b", "/a/quz"),
        ("Allow: /open/index.html\nDisallow: /", "/open/ /open/index.html", "/open/index.htm /other"),
        ("Allow: /open/index.htm\nDisallow: /", "/open/ /open/index.html", "/open/x"),
    ],
)
def test_signs_that_mean_more_than_themselves(rules: str, allows: str, forbids: str) -> None:
    check(f"User-agent: Reader\n{rules}\n", allows, forbids)


FISH = "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.html?id=anything"


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("/fish", FISH, "/bar /Fish.asp /catfish /?id=fish"),
        ("/fish*", FISH, "/bar /Fish.bar /catfish /?id=fish"),
        ("/fish/", "/fish/ /fish/salmon /fish/?salmon /fish/?id=any", "/bar /fish /fish.html /Fish/Salmon.html"),
        (
            "/*.php",
            "/file.php /folder/file.php /folder/file.php?x /f/any.php.html /file.php/ /index?f=file.php/",
            "/bar /php/ /index?php /windows.PHP",
        ),
        (
            "/*.php$",
            "/file.php /folder/file.php",
            "/bar /file.php?x /file.php/ /file.php5 /php/ /file?php /aaaphpaaa //windows.PHP",
        ),
        ("/fish*.php", "/fish.php /fishheads/catfish.php?x", "/bar /Fish.PHP"),
    ],
)
def test_patterns_of_googles_documentation(pattern: str, matching: str, others: str) -> None:
    check(f"user-agent: Reader\ndisallow: /\nallow: {pattern}\n", matching, others)
    check(f"user-agent: Reader\ndisallow: {pattern}\n", others, matching)


def test_of_a_long_line_the_beginning_counts() -> None:
    path = "/x/" + "a" * (LONG - len("disallow: /x//"))
    forbidding = f"user-agent: Reader\ndisallow: {path}/qux\n"
    assert allowed(forbidding, "Reader", "/fux")
    assert not allowed(forbidding, "Reader", f"{path}/fux")
    assert allowed(forbidding, "Reader", f"{path}fux")
    stem = "/y/" + "b" * (LONG - len("allow: /y//"))
    allowing = f"user-agent: Reader\ndisallow: /\nallow: {stem}/qux\n"
    assert not allowed(allowing, "Reader", "/")
    assert allowed(allowing, "Reader", f"{stem}/qux")
    assert allowed(allowing, "Reader", f"{stem}/fux")


@pytest.mark.parametrize("ends", [["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"]])
@pytest.mark.parametrize("last", ["", "\n"])
def test_lines_are_counted_whatever_ends_them(ends: list[str], last: str) -> None:
    lines = ["User-Agent: x", "Allow: /some/path", "User-Agent: Reader", "", "", "Disallow: /"]
    text = "".join(line + ends[at % len(ends)] for at, line in enumerate(lines[:-1])) + lines[-1] + last
    assert parse(text.encode(), "Reader").verdict(Url("http://a.test/p")) == RobotsVerdict(False, 6, "Disallow: /")


@pytest.mark.parametrize(
    ("body", "is_read"),
    [
        (b"\xef\xbb\xbfUser-Agent: Reader\nDisallow: /\n", True),
        (b"\xef\xbbUser-Agent: Reader\nDisallow: /\n", True),
        (b"\xefUser-Agent: Reader\nDisallow: /\n", True),
        (b"\xef\x11\xbfUser-Agent: Reader\nDisallow: /\n", False),
        (b"User-Agent: Reader\n\xef\xbb\xbfDisallow: /\n", False),
    ],
)
def test_a_byte_order_mark_is_skipped_at_the_beginning_even_a_broken_one(body: bytes, is_read: bool) -> None:
    assert allowed(body, "Reader", "/p") is not is_read


def test_a_sitemap_may_stand_anywhere() -> None:
    sitemap, group = "Sitemap: http://a.test/map.xml\n", "User-Agent: x\nAllow: /some/path\nUser-Agent: y\n\n\n"
    assert parse((group + sitemap).encode(), "Reader").sitemaps == ("http://a.test/map.xml",)
    assert parse((sitemap + group).encode(), "Reader").sitemaps == ("http://a.test/map.xml",)


@pytest.mark.parametrize(
    "word", ["disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw", "Disallowed", "disallow-all"]
)
def test_misspelt_fields_that_google_knows_are_known(word: str) -> None:
    assert not allowed(f"useragent: Reader\n{word}: /\n", "Reader", "/p")
    assert not allowed(f"user agent: Reader\n{word}: /\n", "Reader", "/p")


@pytest.mark.parametrize("word", ["dis allow", "disalllow", "disllow", "no-allow", "issallow"])
def test_other_misspellings_are_not_guessed_at(word: str) -> None:
    assert allowed(f"User-agent: Reader\n{word}: /\n", "Reader", "/p")


# --- which line decided ---


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("/x/private/1", RobotsVerdict(False, 4, "Disallow: /x/private")),
        ("/x/private/open", RobotsVerdict(True, 5, "Allow: /x/private/open$")),
        ("/x/%7Ejoe/1", RobotsVerdict(False, 6, "Disallow: /x/~joe*")),
        ("/dir/", RobotsVerdict(True, 8, "Allow: /dir/$")),
        ("/other", RobotsVerdict(True)),
        ("/robots.txt", RobotsVerdict(True)),
    ],
)
def test_the_line_that_decided_is_named(path: str, verdict: RobotsVerdict) -> None:
    text = (
        "# ours\n\nUser-agent: reader\nDisallow: /x/private\nAllow: /x/private/open$\nDisallow: /x/%7ejoe*\n"
        "Disallow: /dir\nAllow: /dir/index.html\nDisallow: /x/private\n"
    )
    assert parse(text.encode(), "Reader").verdict(Url(f"http://a.test{path}")) == verdict


def test_an_allow_is_named_where_nothing_is_forbidden() -> None:
    rules = parse(b"User-agent: *\nAllow: /x\n", "Reader")
    assert rules.verdict(Url("http://a.test/x/1")) == RobotsVerdict(True, 2, "Allow: /x")
    assert rules.verdict(Url("http://a.test/y")) == RobotsVerdict(True)
