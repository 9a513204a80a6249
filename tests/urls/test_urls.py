"""What text means as a URL, what becomes of it, and what it says about where it leads."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import UrlError
from crawler.model import Url
from crawler.urls.canonical import Policy

KEY = b"sixteen bytes ..."
PAGE = urls.parse("http://example.org/a/b/page.html?q=1")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://EXAMPLE.org:80/", "http://example.org/"),
        ("https://example.org:443/x", "https://example.org/x"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("  http://example.org/a\n", "http://example.org/a"),
        ("http://exa\tmple.org/a\r\nb", "http://example.org/ab"),
        ("http:\\\\example.org\\a", "http://example.org/a"),
        ("http:example.org", "http://example.org/"),
        ("http://example.org/a/./b/../c", "http://example.org/a/c"),
        ("http://example.org/%2e%2e/a", "http://example.org/a"),
        ("http://example.org/größe?ä=ö", "http://example.org/gr%C3%B6%C3%9Fe?%C3%A4=%C3%B6"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://example.org/a b", "http://example.org/a%20b"),
        ("http://example.org/\ud800", "http://example.org/%EF%BF%BD"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
        ("http://[::FFFF:1.2.3.4]/", "http://[::ffff:102:304]/"),
        ("http://example.org/?", "http://example.org/?"),
        ("http://example.org/?a='b'", "http://example.org/?a=%27b%27"),
    ],
)
def test_a_url_is_read_as_a_browser_reads_it(text: str, canonical: str) -> None:
    assert urls.parse(text).text == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("http://example.org/a#part", "http://example.org/a"),
        ("http://example.org/a#", "http://example.org/a"),
        ("http://user:secret@example.org/", "http://example.org/"),
        ("http://user@example.org/@me", "http://example.org/@me"),
        ("http://example.org/a?x=1#a?b", "http://example.org/a?x=1"),
    ],
)
def test_what_never_reaches_a_server_or_must_not_is_dropped(text: str, canonical: str) -> None:
    assert urls.parse(text).text == canonical


@pytest.mark.parametrize(
    ("href", "canonical"),
    [
        ("next.html", "http://example.org/a/b/next.html"),
        ("./next.html", "http://example.org/a/b/next.html"),
        ("../up", "http://example.org/a/up"),
        ("../../../../top", "http://example.org/top"),
        ("..", "http://example.org/a/"),
        ("/rooted", "http://example.org/rooted"),
        ("\\rooted", "http://example.org/rooted"),
        ("//other.example/x", "http://other.example/x"),
        ("\\\\other.example\\x", "http://other.example/x"),
        ("https://other.example", "https://other.example/"),
        ("?q=2", "http://example.org/a/b/page.html?q=2"),
        ("#part", "http://example.org/a/b/page.html?q=1"),
        ("", "http://example.org/a/b/page.html?q=1"),
        ("  ", "http://example.org/a/b/page.html?q=1"),
        ("\t?q\n=3", "http://example.org/a/b/page.html?q=3"),
        ("http:relative", "http://example.org/a/b/relative"),
        ("https:elsewhere", "https://elsewhere/"),
        ("a:b", None),
        ("mailto:someone@example.org", None),
        ("javascript:void(0)", None),
        ("data:text/html,hello", None),
        ("http://[", None),
        ("//", None),
    ],
)
def test_an_href_leads_where_the_page_it_stands_on_says(href: str, canonical: str | None) -> None:
    assert urls.make_resolver(PAGE.text)(href) == (canonical or "")
    if canonical is None:
        with pytest.raises(UrlError):
            urls.parse(href, PAGE)
    else:
        assert urls.parse(href, PAGE) == Url(canonical)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "example.org", "/path", "http://", "http:///", "ftp://example.org/", "http://a b/", "http://%zz/",
     "http://example.org:99999/", "http://1.2.3.4.5/", "about:blank", "http://exa\0mple/"],
)  # fmt: skip
def test_what_no_crawler_can_visit_is_refused(text: str) -> None:
    with pytest.raises(UrlError):
        urls.parse(text)


def test_a_url_longer_than_the_bound_is_refused() -> None:
    room = urls.MAX_LENGTH - len("http://h/")
    assert len(urls.parse("http://h/" + "a" * room).text) == urls.MAX_LENGTH
    with pytest.raises(UrlError, match="longer"):
        urls.parse("http://h/" + "a" * (room + 1))


def test_a_refusal_says_what_was_refused_and_no_more_than_a_line_of_it() -> None:
    with pytest.raises(UrlError, match="nonsense") as refusal:
        urls.parse("nonsense" * 10_000)
    assert len(str(refusal.value)) < 300


# Text that comes near to being a URL, which pure chance would hardly ever write.
pieces = st.sampled_from(
    ["http://", "https://", "//", "/", "\\", ":", "@", "?", "#", "..", ".", "%2e", "%", "[", "]", "::1", "80", "443",
     "user:pass@", "example.org", "bücher", "xn--", "xn--a", "١", "0x7f", "\t", "\n", "\0", " ", "\ud800", "ß", "&"]
)  # fmt: skip
near_urls = st.lists(pieces | st.text(max_size=3), max_size=12).map("".join)
any_text = near_urls | st.text(st.characters(), max_size=60) | near_urls.map(lambda text: "http://h" + text)


@given(any_text)
def test_any_text_becomes_a_url_or_a_refusal(text: str) -> None:
    for base in (None, PAGE):
        try:
            url = urls.parse(text, base)
        except UrlError:
            continue
        assert urls.parse(url.text) == url
        assert url.text.isascii()
        assert url.text.isprintable()
        assert not set(string.whitespace) & set(url.text)
        assert url.text.startswith(("http://", "https://"))
        assert "#" not in url.text
        assert url.path.startswith("/")
        assert urls.host(url)
        assert urls.registered_domain(url)


@given(any_text)
def test_the_fast_way_and_the_careful_way_agree(text: str) -> None:
    try:
        expected = urls.parse(text, PAGE).text
    except UrlError:
        expected = ""
    assert urls.make_resolver(PAGE.text)(text) == expected


@pytest.mark.parametrize(
    ("text", "host", "host_port", "domain"),
    [
        ("http://example.org/", "example.org", "example.org", "example.org"),
        ("https://www.example.org:443/", "www.example.org", "www.example.org", "example.org"),
        ("http://www.example.org:8001/", "www.example.org", "www.example.org:8001", "example.org"),
        ("http://a.b.example.co.uk/", "a.b.example.co.uk", "a.b.example.co.uk", "example.co.uk"),
        ("http://me.github.io/", "me.github.io", "me.github.io", "me.github.io"),
        ("http://co.uk/", "co.uk", "co.uk", "co.uk"),
        ("http://bücher.example/", "xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://localhost:80/", "localhost", "localhost", "localhost"),
        ("http://127.0.0.1:8000/", "127.0.0.1", "127.0.0.1:8000", "127.0.0.1"),
        ("http://[::1]:8000/", "::1", "[::1]:8000", "::1"),
        ("http://[::1]/", "::1", "[::1]", "::1"),
    ],
)
def test_a_url_names_its_host_and_its_owner(text: str, host: str, host_port: str, domain: str) -> None:
    url = urls.parse(text)
    assert (urls.host(url), urls.host_port(url), urls.registered_domain(url)) == (host, host_port, domain)


def test_both_schemes_of_a_host_are_one_host_and_two_ports_are_two() -> None:
    def host_port(text: str) -> str:
        return urls.host_port(urls.parse(text))

    assert host_port("http://h/") == host_port("https://h/")
    assert host_port("http://h:8001/") != host_port("http://h:8002/")
    assert host_port("http://h:443/") != host_port("https://h/")


@pytest.mark.parametrize(
    ("text", "base", "absolute"),
    [
        ("x", "http://h/a/", "http://h/a/x"),
        ("mailto:me", "http://h/", "mailto:me"),
        ("//[", "http://h/", ""),
        ("#f", "http://h/", "http://h/#f"),
    ],
)
def test_a_url_of_any_kind_can_be_made_absolute(text: str, base: str, absolute: str) -> None:
    assert urls.resolve_absolute(text, base) == absolute


def test_a_fingerprint_depends_on_the_url_and_on_the_key() -> None:
    one, other = "http://h/1", "http://h/2"
    assert urls.fingerprint(one, KEY) == urls.fingerprint(one, KEY)
    assert len({urls.fingerprint(one, KEY), urls.fingerprint(other, KEY), urls.fingerprint(one, b"another")}) == 3
    assert 0 <= urls.fingerprint(one, KEY) < 1 << 64


def test_packed_fingerprints_are_the_single_ones_in_order() -> None:
    texts = [f"http://h/{n}" for n in range(5)]
    packed = urls.fingerprints(texts, KEY)
    assert [int.from_bytes(packed[i : i + 8], "little") for i in range(0, 40, 8)] == [
        urls.fingerprint(text, KEY) for text in texts
    ]
    assert urls.fingerprints([], KEY) == b""


@pytest.mark.parametrize("before", ["http://", "https:", "//", "\\/", " h\ntt\tp:///", "http://user:word@"])
@pytest.mark.parametrize("letter", ["ü", "%C3%BC", "\u4e00", "xn--"])
def test_a_host_that_is_longer_than_any_name_is_refused_before_it_is_looked_at(before: str, letter: str) -> None:
    with pytest.raises(UrlError):
        urls.parse(before + letter * 1100, urls.parse("http://h/"))


@pytest.mark.parametrize("text", ["ü" + "a" * 1100, "/ü" + "a" * 1100, "?" + "ü" * 300, "http://h/ü" + "a" * 1500])
def test_what_is_long_and_no_host_is_read(text: str) -> None:
    assert "%C3%BC" in urls.parse(text, urls.parse("http://h/")).text


def test_a_host_of_plain_letters_may_be_long() -> None:
    assert urls.parse(f"http://{'a.' * 600}b/").text == f"http://{'a.' * 600}b/"


PLAIN = ["", "/", "../", "../../", "a", "b-1", "topic_2/", "x.html", "~me", "c,d", "a/b/c", "q=1&r", "/."]
ODD = [
    "./",
    "..",
    "//",
    "?",
    "#",
    ";",
    ":",
    "%2e",
    "%",
    "@",
    "(",
    " ",
    "\t",
    "ü",
    "^",
    "\\",
    "http://h/",
    ";jsessionid=1",
]
BASES = [
    PAGE.text, "http://h", "https://h:81//a//b/", "http://h/a;jsessionid=1/b/c", "http://h/a/..;jsessionid=1/b",
    "http://h/(S(abcdefghijklmnopqrstuvwx))/a/b", "http://h/@me/x", "http://h/a^b/c", "data:text/html,x", "about:blank",
    "http://h/" + "long/" * 410,
]  # fmt: skip
SESSIONS = Policy(strip_params=("utm_*",), strip_session_ids=True, sort_params=False)


@given(
    st.sampled_from(BASES),
    st.lists(st.sampled_from(PLAIN + ODD), max_size=5).map("".join),
    st.sampled_from([None, SESSIONS]),
)
def test_hrefs_of_plain_characters_are_joined_as_the_parser_resolves_them(
    base: str, href: str, policy: Policy | None
) -> None:
    resolve = urls.make_resolver(base, policy)
    assert urls.make_joiner(resolve)(href) in {"", resolve(href)}


@pytest.mark.parametrize("href", ["x", "x/", "a-b/c_d.html", "/x", "/x/y.html", "../x", "../../../x/~y", "x//y"])
def test_hrefs_of_plain_characters_need_no_parser(href: str) -> None:
    resolve = urls.make_resolver(PAGE.text)
    assert urls.make_joiner(resolve)(href) == resolve(href) == urls.parse(href, PAGE).text


@pytest.mark.parametrize("href", ["", "//x", "./x", ".x", "x/../y", "x/.", "a:b", "x?y", "x#y", "%2e%2e/x", "ü", "x y"])
def test_other_hrefs_are_left_to_the_parser(href: str) -> None:
    assert urls.make_joiner(urls.make_resolver(PAGE.text))(href) == ""
