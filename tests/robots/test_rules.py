"""What a robots.txt lets us fetch (RFC 9309)."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Url
from crawler.robots import MAX_BYTES, parse, product_token
from crawler.robots.reading import MAX_WILD

SITE = "http://a.test"


def allowed(text: str | bytes, path: str, agent: str = "storybot") -> bool:
    body = text.encode() if isinstance(text, str) else text
    return parse(body, agent).allows(Url(SITE + path))


# --- the file (RFC 9309 2.1, 2.2) ---


def test_our_group_is_obeyed_and_no_other() -> None:
    text = "User-agent: *\nDisallow: /all/\n\nUser-agent: StoryBot\nDisallow: /ours/\n\nUser-agent: b\nDisallow: /"
    assert not allowed(text, "/ours/1")
    assert allowed(text, "/all/1")
    assert not allowed(text, "/all/1", "stranger")
    assert not allowed(text, "/", "b")


def test_a_group_for_us_without_rules_allows_all() -> None:
    assert allowed("User-agent: *\nDisallow: /\nUser-agent: storybot\nDisallow:\n", "/x")


def test_groups_of_one_name_are_one_group() -> None:
    text = "User-agent: storybot\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: storybot\nDisallow: /b\n"
    assert [allowed(text, path) for path in ("/a", "/b", "/c")] == [False, False, True]


def test_several_names_may_share_a_group() -> None:
    text = "User-agent: x\nUser-agent: storybot\nDisallow: /\n"
    assert not allowed(text, "/p")


@pytest.mark.parametrize("between", ["Sitemap: http://a.test/s.xml", "Invented-Field: yes", "# nothing", "", "noise"])
def test_what_is_no_rule_does_not_end_a_list_of_names(between: str) -> None:
    assert not allowed(f"User-agent: storybot\n{between}\nUser-agent: x\nDisallow: /\n", "/p")


def test_a_crawl_delay_belongs_to_its_group_and_ends_the_names() -> None:
    rules = parse(b"User-agent: *\nCrawl-delay: 2.5\n\nUser-agent: bad\nDisallow: /\n", "storybot")
    assert rules.delay_s == 2.5
    assert rules.allows(Url(SITE + "/p"))


@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", ""])
def test_a_delay_that_is_no_time_is_none(value: str) -> None:
    assert parse(f"User-agent: *\nCrawl-delay: {value}\n".encode(), "storybot").delay_s is None


@pytest.mark.parametrize("name", ["storybot", "STORYBOT", "StoryBot/2.0", "storybot images", "Storybot*"])
def test_a_name_is_read_up_to_what_no_product_token_may_hold(name: str) -> None:
    assert not allowed(f"User-agent: {name}\nDisallow: /\n", "/p")


@pytest.mark.parametrize("name", ["story", "storybots", "my-storybot", "", "/storybot"])
def test_other_names_are_not_ours(name: str) -> None:
    assert allowed(f"User-agent: {name}\nDisallow: /\n", "/p")


@pytest.mark.parametrize("star", ["*", "* ", "* and everyone"])
def test_a_star_is_everyone(star: str) -> None:
    assert not allowed(f"User-agent: {star}\nDisallow: /\n", "/p")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_will_do(ending: str) -> None:
    assert not allowed(ending.join(["User-agent: *", "Disallow: /x", ""]), "/x")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffUser-agent: *\nDisallow: /x",
        "user-agent:*\ndisallow:/x",
        "  User-agent :  *  # all\n\tDisallow\t: /x#y",
        "User-agent *\nDisallow /x",
        "Useragent: *\nDissallow: /x",
        "User Agent: *\nDisalow: /x",
    ],
)
def test_a_careless_hand_is_read_as_it_was_meant(text: str) -> None:
    assert not allowed(text, "/x/y")
    assert allowed(text, "/")


def test_rules_before_any_name_are_nobodys() -> None:
    assert allowed("Disallow: /\nUser-agent: *\nAllow: /x\n", "/p")


def test_a_line_longer_than_anyone_writes_is_cut() -> None:
    stem = "/x" + "a" * 16_700
    assert not allowed(f"User-agent: *\nDisallow: {stem}/rest\n", stem[:16_660] + "/other")


def test_only_the_first_500_kib_count() -> None:
    filler = b"# filler\n" * (MAX_BYTES // 9)
    assert allowed(b"User-agent: *\n" + filler + b"\nDisallow: /\n", "/p")


def test_sitemaps_are_everyones_wherever_they_stand() -> None:
    text = "Sitemap: http://a.test/1.xml\nUser-agent: x\nSite-map: http://a.test/\u00fc.xml\nDisallow: /\n"
    assert parse(text.encode(), "storybot").sitemaps == ("http://a.test/1.xml", "http://a.test/\u00fc.xml")


# --- matching a path (RFC 9309 2.2.2, 2.2.3) ---


@pytest.mark.parametrize(
    ("rules", "path", "verdict"),
    [
        ("Disallow: /x/page.html\nAllow: /x/", "/x/page.html", False),
        ("Allow: /x/page.html\nDisallow: /x/", "/x/page.html", True),
        ("Disallow: /\nAllow: /", "/x", True),
        ("Disallow: /x\nAllow: /x/", "/x", False),
        ("Disallow: /x\nAllow: /x/", "/x/", True),
        ("Allow: /page\nDisallow: /*.html", "/page.html", False),
        ("Disallow: /X/", "/x/y", True),
        ("Disallow: /fish", "/fish.html?id=1", False),
        ("Disallow: /fish", "/?id=/fish", True),
        ("Disallow: /fish/", "/fish", True),
        ("Disallow: /*.php$", "/a/b.php", False),
        ("Disallow: /*.php$", "/a/b.php?x", True),
        ("Disallow: /*.php$", "/a.php/b.php", False),
        ("Disallow: /*.php", "/index?f=b.php/", False),
        ("Disallow: /*?", "/p?q", False),
        ("Disallow: /*?", "/p", True),
        ("Disallow: /a*b*c$", "/aXbYbZc", False),
        ("Disallow: /a*b*c$", "/aXbYcZ", True),
        ("Disallow: /ab*ba$", "/aba", True),
        ("Disallow: *", "/anything", False),
        ("Disallow: /**x", "/yx", False),
        ("Disallow: /x$", "/x", False),
        ("Disallow: /x$", "/xy", True),
        ("Disallow: /x$y", "/x$y/z", False),
        ("Allow: /$\nDisallow: /", "/", True),
        ("Allow: /$\nDisallow: /", "/page", False),
        ("Allow: /dir/index.html\nDisallow: /", "/dir/", True),
        ("Allow: /dir/index.html\nDisallow: /", "/dir/index.htm", False),
        ("Disallow: /", "/robots.txt", True),
        ("Disallow: /", "/robots.txt?x", False),
        ("Disallow: fish", "/fish", True),
        ("Disallow: /\nAllow: /a?b=http://c?d&e", "/a?b=http://c?d&e", True),
        ("Disallow: /ツ", "/%E3%83%84", False),
        ("Disallow: /%e3%83%84", "/%E3%83%84/x", False),
        ("Disallow: /%E3%83%84", "/%e3%83%84/x", False),
        ("Disallow: /%7Ejoe/", "/~joe/x", False),
        ("Disallow: /~joe/", "/%7ejoe/x", False),
        ("Disallow: /a%2Fb", "/a/b", True),
        ("Disallow: /\nAllow: /%62%61%7A", "/baz", False),
        ("Disallow: /\nAllow: /%62%61%7A", "/%62%61%7A", True),
        ("Disallow: /100%", "/100%/x", False),
        ("Disallow: /my folder/", "/my%20folder/x", False),
        ("Disallow: /my%20folder/", "/my%20folder/x", False),
        ("Disallow: /\nAllow: /my folder/", "/my%20folder/x", True),
        ("Disallow: /my%20folder/\nAllow: /my folder/", "/my%20folder/x", True),  # a tie: both say the same
        ("Disallow: /{x}", "/%7Bx%7D", False),
        ("Disallow: /*{x}", "/a?q={x}", False),  # a query keeps its braces
        ("Disallow: /*={x}$", "/a?q={x}", False),
        ('Disallow: /a"<b>^c`', "/a%22%3Cb%3E%5Ec%60", False),
        ("Disallow: /a\x7fb", "/a%7Fb", False),
        ("Disallow: /it's", "/it's", False),
        ("Disallow: /*q=it's", "/?q=it%27s", False),  # a query encodes apostrophes
        ("Disallow: /file-%2A.html", "/file-*.html", False),
        ("Disallow: /file-%2a.html", "/file-%2A.html", False),
        ("Disallow: /file-%2A.html", "/file-1.html", True),
        ("Disallow: /*-%2A-*.html", "/file-*-1.html", False),
        ("Disallow: /*-%2A-*.html", "/file-a-1.html", True),
        ("Disallow: /foo-%24", "/foo-$", False),
        ("Disallow: /foo-%24", "/foo-$/bar", False),  # not the end
        ("Disallow: /foo-%24", "/foo-", True),
        ("Disallow: /foo-%24$", "/foo-$", False),
        ("Disallow: /foo-%24$", "/foo-$/bar", True),
        ("Disallow: /a$b", "/a%24b", False),
        ("Disallow: /\nAllow: /file-%2A", "/file-*.html", True),
        ("Disallow: /\nAllow: /foo-%24", "/foo-$", True),
    ],
)
def test_the_longest_pattern_decides_and_allow_wins_a_tie(rules: str, path: str, verdict: bool) -> None:
    assert allowed(f"User-agent: *\n{rules}\n", path) is verdict


def test_a_pattern_of_many_stars_costs_no_more_than_its_length() -> None:
    text = "User-agent: *\nDisallow: /" + "*a" * 2000 + "b$\n"
    assert allowed(text, "/" + "a" * 2000)


def test_more_wildcards_than_anyone_needs_forbid_more_and_never_less() -> None:
    many = "".join(f"Disallow: /a{n:04}*x\nAllow: /a{n:04}*xy\n" for n in range(MAX_WILD))
    text = f"User-agent: *\n{many}Disallow: /b*c\nAllow: /b\nDisallow: /d$\n"
    assert [allowed(text, path) for path in ("/a0001x", "/a0001xy", "/b", "/bc", "/d", "/dd", "/e")] == [
        *(False, True), *(False, False), *(False, True), True
    ]  # fmt: skip


@given(st.binary(max_size=400), st.text("/ab*$?%2Ff~", max_size=12))
def test_any_bytes_are_a_robots_txt(body: bytes, path: str) -> None:
    rules = parse(body, "storybot")
    assert rules.allows(Url(f"{SITE}/{path}")) in (True, False)
    assert pickle.loads(pickle.dumps(rules)) == rules


@given(st.lists(st.sampled_from(["Allow: /", "Disallow: /"]), min_size=1), st.text("/ab?%7E~", max_size=8))
def test_a_path_in_other_spelling_is_never_allowed_where_its_own_is_not(lines: list[str], path: str) -> None:
    body = "User-agent: *\n" + "\n".join(line + path for line in lines)
    respelt = path.replace("~", "%7e")
    if not allowed(body, "/" + path):
        assert not allowed(body, "/" + respelt)


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        ("crawld/0.1 (+https://example.org/bot)", "crawld"),
        ("Example-Bot", "example-bot"),
        ("Mozilla/5.0 (compatible; ExampleBot/1.0; +http://example.org)", "examplebot"),
        ("Mozilla/5.0 (X11; Linux)", "mozilla"),
        ("", ""),
        ("123", ""),
    ],
)
def test_the_name_in_robots_txt_comes_from_our_user_agent(user_agent: str, token: str) -> None:
    assert product_token(user_agent) == token


def test_a_nameless_crawler_obeys_what_is_said_to_everyone() -> None:
    assert not allowed("User-agent: *\nDisallow: /\n", "/p", "")
    assert allowed("User-agent: 123\nDisallow: /\n", "/p", "")
