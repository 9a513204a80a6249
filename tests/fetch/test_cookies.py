"""Cookies (RFC 6265bis): each site's for itself."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.fetch.cookies import MAX_BYTES, MAX_COOKIES, MAX_FIELDS, MAX_SENT_BYTES, Cookies
from crawler.model import Request, Url
from tests.fetch.conftest import RawServer, Serve, Talk, open_loopback

HOME = "https://www.example.co.uk/shop/cart"


@pytest.fixture
def cookies() -> Cookies:
    return Cookies()


def kept(cookies: Cookies, set_at: str, field: str, asked_at: str) -> str:
    """What is sent to `asked_at` after `set_at` set this cookie."""
    cookies.keep(Url(set_at), [field])
    return cookies.of(Url(asked_at))


@pytest.mark.parametrize(
    ("field", "asked_at", "sent"),
    [
        ("a=1", HOME, "a=1"),
        ("a=1", "https://www.example.co.uk/shop/", "a=1"),
        ("a=1", "https://www.example.co.uk/shopping", ""),  # the default path is that of the page's folder
        ("a=1; Path=/", "https://www.example.co.uk/", "a=1"),
        ("a=1; Path=/shop/cart/x", HOME, ""),
        ("a=1", "https://shop.example.co.uk/shop/", ""),  # the host alone
        ("a=1; Domain=example.co.uk; Path=/", "https://shop.example.co.uk/", "a=1"),
        ("a=1; Domain=.Example.co.uk; Path=/", "https://example.co.uk/", "a=1"),
        ("a=1; Domain=co.uk; Path=/", "https://other.co.uk/", ""),
        ("a=1; Domain=co.uk; Path=/", HOME, ""),  # not even at home
        ("a=1; Domain=uk; Path=/", HOME, ""),
        ("a=1; Domain=other.co.uk; Path=/", "https://other.co.uk/", ""),
        ("a=1; Domain=shop.example.co.uk; Path=/", "https://shop.example.co.uk/", ""),  # a stranger's below
        ("a=1; Secure; Path=/", "https://www.example.co.uk/", "a=1"),
        ("a=1; Secure; Path=/", "http://www.example.co.uk/", ""),
        ("a=1; HttpOnly; SameSite=Strict; Path=/", "http://www.example.co.uk/", "a=1"),
        ("a=1; Max-Age=0", HOME, ""),
        ("a=1; Max-Age=-1", HOME, ""),
        ("a=1; Max-Age=60", HOME, "a=1"),
        ("a=1; Max-Age=soon", HOME, "a=1"),
        ("a=1; Expires=Thu, 09 Oct 2025 08:54:20 GMT", HOME, ""),
        ("a=1; Expires=Thu, 09-Oct-2125 08:54:20 GMT", HOME, "a=1"),
        ("a=1; Expires=Thu, 09 Oct 2025 08:54:20 GMT; Max-Age=60", HOME, "a=1"),
        ("a=1; Expires=whenever", HOME, "a=1"),
        ('a={"b":[1,2]}', HOME, 'a={"b":[1,2]}'),
        ("a=b=c", HOME, "a=b=c"),
        ("a=", HOME, "a="),
        ("a=caf\u00e9", HOME, "a=caf\xc3\xa9"),
        ('a="b c"; Path=/', HOME, 'a="b c"'),
        ("\ta\t=\t1\t;\tPath\t=\t/\t", HOME, "a=1"),
        ("a=1\t2", HOME, "a=1\t2"),
        ("a=\xa01\u3000", HOME, "a=\xc2\xa01\xe3\x80\x80"),  # no white space to a browser
        ("a=\u200b", HOME, "a=\xe2\x80\x8b"),
        ("a=caf\udce9", HOME, "a=caf\xe9"),  # octets that are no UTF-8
        ("a b=1", HOME, "a b=1"),
        ('"a"=1', HOME, '"a"=1'),
        ("a=1\x01", HOME, ""),
        ("a=1\x7f", HOME, ""),
        ("a=1; Path=/shop/cart/", HOME, ""),
        ("a=1; Path=/shop/cart", HOME + "/", "a=1"),
        ("a=" + "é" * 2047, HOME, "a=" + "\xc3\xa9" * 2047),
        ("a=" + "é" * 2048, HOME, ""),  # 4,097 octets
        ("=1", HOME, ""),
        ("a", HOME, ""),
        ("", HOME, ""),
        ("a=1\r\nX: y", HOME, ""),
        ("a=1\x00", HOME, ""),
        ("a=" + "x" * 4095, HOME, "a=" + "x" * 4095),
        ("a=" + "x" * 4096, HOME, ""),
        ("__Host-a=1; Secure; Path=/", HOME, "__Host-a=1"),
        ("__Host-a=1; Secure; Path=/; Domain=example.co.uk", HOME, ""),
        ("__Host-a=1; Secure; Path=/shop", HOME, ""),
        ("__host-a=1; Path=/", HOME, ""),
        ("__Secure-a=1; Secure", HOME, "__Secure-a=1"),
        ("__Secure-a=1", HOME, ""),
    ],
)
async def test_a_cookie_goes_where_it_may(field: str, asked_at: str, sent: str, cookies: Cookies) -> None:
    assert kept(cookies, HOME, field, asked_at) == sent


@pytest.mark.parametrize(
    ("set_at", "domain", "asked_at"),
    [
        ("https://me.github.io/", "github.io", "https://you.github.io/"),  # the list's private section counts
        ("https://a.example.com/", "com", "https://b.example.org/"),
        ("http://localhost/", "localhost", "http://other.localhost/"),
        ("http://127.0.0.1/", "0.0.1", "http://126.0.0.1/"),
        ("http://127.0.0.1/", "127.0.0.1", "http://127.0.0.2/"),
        ("http://[::1]/", "::1", "http://[::2]/"),
        ("https://example.com/", "", "https://example.com.evil.org/"),
        ("https://example.com/", "", "https://evilexample.com/"),
    ],
)
async def test_no_cookie_ever_leaves_its_site(set_at: str, domain: str, asked_at: str, cookies: Cookies) -> None:
    assert kept(cookies, set_at, f"a=1; Path=/; Domain={domain}", asked_at) == ""
    assert kept(cookies, set_at, "b=1; Path=/", asked_at) == ""


async def test_an_address_has_cookies_of_its_own(cookies: Cookies) -> None:
    assert kept(cookies, "http://127.0.0.1:8080/", "a=1", "http://127.0.0.1/") == "a=1"


async def test_http_cannot_speak_for_https(cookies: Cookies) -> None:
    assert kept(cookies, "http://example.org/", "a=1; Secure", "https://example.org/") == ""


SECURE = "https://www.example.co.uk/login/"
PLAIN = "http://www.example.co.uk/login/"


@pytest.mark.parametrize(
    ("secure", "plain", "sent"),
    [
        ("a=1; Path=/", "a=2; Path=/", "a=1"),
        ("a=1; Path=/", "a=2; Path=/; Max-Age=0", "a=1"),
        ("a=1; Path=/; Domain=example.co.uk", "a=2; Path=/", "a=1"),
        ("a=1; Path=/", "a=2; Path=/; Domain=example.co.uk", "a=1"),
        ("a=1; Path=/login", "a=2; Path=/login", "a=1"),
        ("a=1; Path=/login", "a=2; Path=/login/en", "a=1"),
        ("a=1; Path=/login", "a=2", "a=1"),  # its default path
        ("a=1; Path=/login", "a=2; Path=/", "a=1; a=2"),  # behind it, where it was asked for, and alone elsewhere
        ("a=1; Path=/login/", "a=2; Path=/log", "a=1"),
        ("a=1; Path=/", "b=2; Path=/", "a=1; b=2"),
        ("a=1; Path=/", "A=2; Path=/", "a=1; A=2"),
    ],
)
async def test_what_came_without_tls_never_stands_for_a_secure_cookie(
    secure: str, plain: str, sent: str, cookies: Cookies
) -> None:
    cookies.keep(Url(SECURE), [f"{secure}; Secure"])
    cookies.keep(Url(PLAIN), [plain])
    assert cookies.of(Url(SECURE)) == sent
    assert "a=1" not in cookies.of(Url(PLAIN))


@pytest.mark.parametrize(
    ("secure_at", "plain_at", "is_kept"),
    [
        ("https://a.example.org/", "http://b.example.org/", True),  # of another host alone
        ("https://example.org/", "http://b.example.org/", False),  # below it
        ("https://b.example.org/", "http://example.org/", False),  # above it
    ],
)
async def test_a_secure_cookie_is_safe_from_hosts_above_and_below_its_own(
    secure_at: str, plain_at: str, is_kept: bool, cookies: Cookies
) -> None:
    cookies.keep(Url(secure_at), ["a=1; Secure; Path=/"])
    cookies.keep(Url(plain_at), ["a=2; Path=/"])
    assert cookies.of(Url(plain_at)) == ("a=2" if is_kept else "")


async def test_what_is_not_secure_or_over_gives_way_to_anyone() -> None:
    now = [1000.0]
    cookies = Cookies(lambda: now[0])
    cookies.keep(Url(SECURE), ["a=1; Path=/", "b=1; Path=/; Secure; Max-Age=60"])
    cookies.keep(Url(PLAIN), ["a=2; Path=/"])
    now[0] += 60
    cookies.keep(Url(PLAIN), ["b=2; Path=/"])
    assert cookies.of(Url(SECURE)) == "a=2; b=2"


@pytest.mark.parametrize(
    ("set_at", "field", "sent"),
    [
        (SECURE, "__SECURE-a=1", ""),
        (SECURE, "__sEcUrE-a=1; Secure; Path=/", "__sEcUrE-a=1"),
        (SECURE, "__HOST-a=1; Secure", ""),  # without Path
        (SECURE, "__hOsT-a=1; Secure; Path=/", "__hOsT-a=1"),
        (SECURE, "__Host-a=1; Path=/", ""),
        (SECURE, "__Host-a=1; Secure; Path=/; Domain=www.example.co.uk", ""),
        (SECURE, "__Host-a=1; Secure; Path=/; Domain=", "__Host-a=1"),
        (SECURE, "__Hosta=1; Path=/", "__Hosta=1"),
        (PLAIN, "__Host-a=1; Secure; Path=/", ""),
        (PLAIN, "__Secure-a=1; Secure; Path=/", ""),
        (PLAIN, "__Secure-a=1; Path=/", ""),
        (PLAIN, "a=1; SECURE; Path=/", ""),
        (PLAIN, "a=1; Secure=0; Path=/", ""),  # whatever its value
    ],
)
async def test_names_and_attributes_that_want_tls_get_it(set_at: str, field: str, sent: str, cookies: Cookies) -> None:
    assert kept(cookies, set_at, field, SECURE) == sent


async def test_without_tls_nobody_drives_out_a_secure_cookie(cookies: Cookies) -> None:
    secure = [f"s{number}=1; Path=/; Secure" for number in range(MAX_COOKIES // 2)]
    cookies.keep(Url(SECURE), secure)
    for number in range(2 * MAX_COOKIES):
        cookies.keep(Url(PLAIN), [f"p{number}=1; Path=/"])
    names = [pair.partition("=")[0] for pair in cookies.of(Url(SECURE)).split("; ")]
    assert len(cookies) == MAX_COOKIES
    assert names[: len(secure)] == [f"s{number}" for number in range(len(secure))]
    assert names[len(secure) :] == [f"p{number}" for number in range(2 * MAX_COOKIES - len(secure), 2 * MAX_COOKIES)]
    cookies.keep(Url(SECURE), [f"t{number}=1; Path=/; Secure" for number in range(MAX_COOKIES // 2)])
    cookies.keep(Url(PLAIN), ["last=1; Path=/"])
    assert cookies.of(Url(PLAIN)) == ""


async def test_the_longest_path_is_told_first_then_the_oldest_cookie(cookies: Cookies) -> None:
    cookies.keep(Url(HOME), ["a=1; Path=/", "b=1; Path=/", "a=2; Path=/shop", "c=1; Path=/shop/cart"])
    cookies.keep(Url(HOME), ["a=3; Path=/"])
    assert cookies.of(Url(HOME)) == "c=1; a=2; a=3; b=1"


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT", ""),
        ("a=1; Expires=Sunday, 06-Nov-94 08:49:37 GMT", ""),
        ("a=1; Expires=Sun Nov  6 08:49:37 1994", ""),
        ("a=1; expires = 8:49:37 6 november 1994 UTC", ""),
        ("a=1; Expires=Sun, 06 Nov 2094 08:49:37 GMT", "a=1"),
        ("a=1; Expires=Wed, 06 Nov 69 08:49:37 GMT", "a=1"),  # 2069
        ("a=1; Expires=Sun, 06 Nov 1600 08:49:37 GMT", "a=1"),  # no date of the standard's
        ("a=1; Expires=Sun, 32 Nov 1994 08:49:37 GMT", "a=1"),
        ("a=1; Expires=Sun, 06 Nov 1994 24:49:37 GMT", "a=1"),
        ("a=1; Expires=Sun, 06 Nov 1994", "a=1"),
        ("a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Expires=whenever", "a=1"),  # the last one counts
        ("a=1; Max-Age=+1; Expires=Sun, 06 Nov 1994 08:49:37 GMT", ""),
        ("a=1; Max-Age=" + "9" * 900, "a=1"),
    ],
)
async def test_a_cookie_lasts_as_long_as_it_says(field: str, sent: str, cookies: Cookies) -> None:
    assert kept(cookies, HOME, field, HOME) == sent


async def test_no_cookie_lasts_longer_than_400_days() -> None:
    now = [0.0]
    cookies = Cookies(lambda: now[0])
    cookies.keep(Url(HOME), ["a=1; Max-Age=99999999", "b=1; Expires=Sun, 06 Nov 2094 08:49:37 GMT", "c=1"])
    now[0] = 400 * 86400.0
    assert cookies.of(Url(HOME)) == "c=1"


async def test_a_later_cookie_takes_the_place_of_an_earlier_and_can_take_it_away(cookies: Cookies) -> None:
    assert kept(cookies, HOME, "a=1", HOME) == "a=1"
    assert kept(cookies, HOME, "a=2", HOME) == "a=2"
    assert kept(cookies, HOME, "a=2; Max-Age=0", HOME) == ""
    assert len(cookies) == 0


async def test_a_site_has_so_many_cookies_and_the_others_lose_none(cookies: Cookies) -> None:
    cookies.keep(Url("https://other.org/"), ["mine=1"])
    for number in range(MAX_COOKIES):
        cookies.keep(Url(f"https://h{number}.evil.com/"), [f"a{number}-{n}=1" for n in range(20)])
    assert len(cookies) == MAX_COOKIES + 1
    assert cookies.of(Url("https://other.org/")) == "mine=1"


async def test_an_answer_sets_so_many_cookies(cookies: Cookies) -> None:
    cookies.keep(Url(HOME), [f"a{number}=1" for number in range(MAX_FIELDS + 9)])
    assert len(cookies) == MAX_FIELDS


async def test_a_site_cannot_make_us_send_more_than_servers_take(cookies: Cookies) -> None:
    for number in range(MAX_COOKIES):
        cookies.keep(Url(HOME), [f"a{number}={'x' * 4000}"])
    assert 0 < len(cookies.of(Url(HOME))) <= MAX_SENT_BYTES


async def test_all_cookies_together_are_bounded(cookies: Cookies) -> None:
    value = "x" * 4000
    for number in range(MAX_BYTES // 40_000 + 50):
        cookies.keep(Url(f"https://site{number}.com/"), [f"a{n}={value}" for n in range(10)])
    assert sum(jar.size for jar in cookies._jars.values()) == cookies._bytes <= MAX_BYTES
    assert cookies.of(Url("https://site0.com/")) == ""
    assert cookies.of(Url(f"https://site{number}.com/"))


async def test_so_many_sites_have_cookies_and_those_asked_lately_win(
    cookies: Cookies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.fetch.cookies.MAX_SITES", 2)
    for name in ("one", "two", "one", "three"):
        cookies.keep(Url(f"https://{name}.org/"), ["a=1"])
    assert [cookies.of(Url(f"https://{name}.org/")) for name in ("one", "two", "three")] == ["a=1", "", "a=1"]


PLACES = [Url(f"{scheme}://{host}/x/y") for scheme in ("http", "https") for host in ("a.test.com", "b.com", "10.0.0.1")]

WORDS = st.sampled_from(["a", "b2", "_", "é", "Domain", "Path", "Max-Age", "Secure"]) | st.text(max_size=9)
PAIRS = st.tuples(WORDS, st.sampled_from(["=", " = ", ""]), WORDS).map("".join)
FIELDS = st.lists(PAIRS, min_size=1, max_size=4).map("; ".join)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.lists(st.text() | FIELDS))))
def test_whatever_is_set_what_is_sent_is_one_line_of_octets(said: list[tuple[Url, list[str]]]) -> None:
    asyncio.run(_check(said))


async def _check(said: list[tuple[Url, list[str]]]) -> None:
    cookies = Cookies()
    for url, fields in said:
        cookies.keep(url, fields)
    for url in PLACES:
        sent = cookies.of(url)
        assert len(sent) < 10_000
        assert not any((octet < 32 and octet != 9) or octet == 127 for octet in sent.encode("latin-1"))


async def test_cookies_come_back_over_the_wire_and_only_where_they_may(serve: Serve) -> None:
    def baker(raw: RawServer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await raw.read_head(reader)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\xc3\xa9; Path=/\r\nset-cookie: b=\xff\r\n"
                    b"Set-Cookie: c=3; Path=/; Domain=com\r\nContent-Length: 0\r\n\r\n"
                )

        return talk

    server = await serve(baker)
    names = dict.fromkeys(("mine.com", "yours.com"), "127.0.0.1")
    async with open_loopback(cookies=True, hosts=names) as fetcher:
        for name in ("mine.com", "mine.com", "yours.com"):
            await fetcher.fetch(Request(Url(f"http://{name}:{server.port}/")))
    assert b"Cookie" not in server.heads[0]
    assert b"\r\nCookie: a=\xc3\xa9; b=\xff\r\n" in server.heads[1]
    assert b"Cookie" not in server.heads[2]
