"""The URL standard (WHATWG) as far as http and https go, class by class, in cases of our own.

The platform's own tests are counted by tests/conformance/urls_against_wpt.py; these hold each of their classes.
"""

from __future__ import annotations

import pytest

from crawler import urls
from crawler.errors import UrlError
from tests.defaults import POLICY

BASE = urls.parse("http://example.org/a/b?q")

HOSTS = {
    # IDNA (UTS 46): mapped, normalised, encoded
    "BÜCHER.example": "xn--bcher-kva.example",
    "bu\u0308cher.example": "xn--bcher-kva.example",
    "faß.example": "xn--fa-hia.example",
    "日本語。ＪＰ": "xn--wgv71a119e.jp",
    "ex\u00adample.org": "example.org",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "%62%C3%BCcher.example": "xn--bcher-kva.example",
    "a_b.example": "a_b.example",
    "-a-.example": "-a-.example",
    "a..example": "a..example",
    "example.org.": "example.org.",
    "XN--a.example": "xn--a.example",  # no Punycode at all, and taken as it is while the whole host is ASCII
    "xn--a.bücher.example": None,
    "a\U00011dccb": "xn--ab-j42p",  # a letter since Unicode 17
    "\u00ad": None,  # nothing is left
    "a\u202eb": None,  # turns the writing round
    # what no host may hold
    **dict.fromkeys(["a b", "a<b", "a>b", "a^b", "a|b", "a%zzb", "a%00b", "a%20b", "a%2fb", "a%40b", "a\x7fb"]),
    # IPv4, in all its forms
    "192.168.0.1.": "192.168.0.1",
    "0300.0250.0.1": "192.168.0.1",
    "0xC0.0xa8.1": "192.168.0.1",
    "192.168.1": "192.168.0.1",
    "3232235521": "192.168.0.1",
    "0xffffffff": "255.255.255.255",
    "１２７.１": "127.0.0.1",
    "%31%32%37.1": "127.0.0.1",
    "0x": "0.0.0.0",
    "1.2.3.4.5.example": "1.2.3.4.5.example",
    **dict.fromkeys(["256.0.0.1", "1.2.3.256", "1.2.3.08", "4294967296", "1.2.3.4.5", "a.1", "1..0"]),
    "1.2.3.0xg": "1.2.3.0xg",
    # IPv6
    "[2001:DB8:0:0:1:0:0:1]": "[2001:db8::1:0:0:1]",
    "[0:0:0:0:0:0:0:0]": "[::]",
    "[::127.0.0.1]": "[::7f00:1]",
    "[1:0::]": "[1::]",
    "[1:2:0:0:5:0:0:0]": "[1:2:0:0:5::]",
    **dict.fromkeys(["[", "[]", "[::1", "::1", "[:::1]", "[::1%25eth0]", "[1:2:3]", "[::1.2.3]", "[g::]"]),
}  # fmt: skip


@pytest.mark.parametrize(("written", "host"), HOSTS.items())
def test_a_host_is_read_as_the_standard_has_it(written: str, host: str | None) -> None:
    for scheme in ("http", "https"):
        if host is None:
            with pytest.raises(UrlError):
                urls.parse(f"{scheme}://{written}/x")
        else:
            assert urls.parse(f"{scheme}://{written}/x").text == f"{scheme}://{host}/x"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        # percent-encoding: what is written so stays so, what may not stand is encoded, by its place
        ("/%7Ea/%7ea/~a", "/%7Ea/%7ea/~a"),
        ("/a%2Fb%", "/a%2Fb%"),
        ("/%zz", "/%zz"),
        ('/ "<>`{}^', "/%20%22%3C%3E%60%7B%7D%5E"),
        ("/[]|'()*,;:@&=+$!", "/[]|'()*,;:@&=+$!"),
        ("/\x01\x7f\x80\ufffe", "/%01%7F%C2%80%EF%BF%BE"),
        ("/é\U0001f600", "/%C3%A9%F0%9F%98%80"),
        ("/?\"<>'`{}|^[]\\ é", "/?%22%3C%3E%27`{}|^[]\\%20%C3%A9"),
        ("/?a=b&c;d+e%20f", "/?a=b&c;d+e%20f"),
        ("/??#", "/??"),
        ("/a^?b^", "/a%5E?b^"),
        ("/a#b?c", "/a"),
        # dots, written plainly and not
        ("/a/../../b", "/b"),
        ("/a/./b/.", "/a/b/"),
        ("/a/b/..", "/a/"),
        ("/a/%2E%2e/b", "/b"),
        ("/a/%2e./b/.%2E/c", "/c"),
        ("/a/...", "/a/..."),
        ("/a//../b", "/a/b"),
        ("//a", "http://a/"),
        ("/.//a", "//a"),
        ("/a/?x=../b", "/a/?x=../b"),
        # backslashes are slashes, but for the query
        ("\\a\\..\\b", "/b"),
        ("/a\\b?c\\d", "/a/b?c\\d"),
        # tabs and line ends go, wherever they are; white space goes at both ends
        ("\t/a\n/b\r\n/c ", "/a/b/c"),
        ("/a\t?b\n=c", "/a?b=c"),
        ("\x00\x1f /a \x1f\x00", "/a"),
        ("/a\u00a0", "/a%C2%A0"),
        ("/a\x00b", "/a%00b"),
        ("/\ud800a", "/%EF%BF%BDa"),
    ],
)
def test_a_path_and_a_query_are_read_as_the_standard_has_them(text: str, canonical: str) -> None:
    expected = canonical if canonical.startswith("http") else f"http://example.org{canonical}"
    assert urls.parse(text, BASE).text == expected
    assert urls.make_resolver(BASE.text)(text) == expected


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("http:c", "http://example.org/a/c"),
        ("http:/c", "http://example.org/c"),
        ("http:?c", "http://example.org/a/b?c"),
        ("http:", "http://example.org/a/b?q"),
        ("https:c", "https://c/"),
        ("https:/c", "https://c/"),
        ("http:///c", "http://c/"),
        ("http:\\\\c\\d", "http://c/d"),
        ("/\\c", "http://c/"),
        ("HtTpS://C/", "https://c/"),
        ("h\tt\ntp://c/", "http://c/"),
        ("http://c:", "http://c/"),
        ("http://c:80", "http://c/"),
        ("https://c:80", "https://c:80/"),
        ("https://c:0000443/", "https://c/"),
        ("http://c:0/", "http://c:0/"),
        ("http://c:65535/", "http://c:65535/"),
        ("http://u:p@c/", "http://c/"),
        ("http://u@v@c/", "http://c/"),
        ("http://:@c/", "http://c/"),
        ("http://u%40c:%3A@d:8080/", "http://d:8080/"),
        ("http://c?d", "http://c/?d"),
        ("http://c\\@d/", "http://c/@d/"),
        ("::", "http://example.org/a/::"),
        ("1a:b", "http://example.org/a/1a:b"),
        ("c:", None),
        ("http+x://c/", None),
        ("httpx:c", None),
        ("ftp://c/", None),
        ("ws://c/", None),
        ("file:///c", None),
        ("x://opaque host/", None),
        ("x://h:80/", None),
        ("blob:http://c/d", None),
        ("view-source:http://c/", None),
        ("tel:1", None),
        ("http://u:p@/", None),
        ("http://@/", None),
        ("http://:80/", None),
        ("http://c:65536/", None),
        ("http://c:8a/", None),
        ("http://c:-1/", None),
        ("http://c: 80/", None),
        ("https://", None),
        ("https:?", None),
    ],
)
def test_schemes_ports_and_credentials_are_read_as_the_standard_has_them(text: str, canonical: str | None) -> None:
    assert urls.make_resolver(BASE.text)(text) == (canonical or "")


@pytest.mark.parametrize("base", ["mailto:me", "data:text/html,x", "about:blank", "javascript:0"])
def test_a_base_that_leads_nowhere_resolves_what_is_absolute(base: str) -> None:
    resolve = urls.make_resolver(base)
    assert resolve("http://c/d") == "http://c/d"
    assert [resolve(text) for text in ("/c", "//c", "c", "?c", "#c", "")] == [""] * 6


def test_a_page_on_a_host_of_wrong_punycode_is_a_base_like_any_other() -> None:
    page = urls.parse("http://xn--a/b/c")
    assert urls.parse("../d^#e", page).text == urls.make_resolver(page.text)("../d^#e") == "http://xn--a/d%5E"
    assert urls.resolve_absolute("#^", page.text) == "http://xn--a/b/c#^"
    assert urls.parse("http://u:p@xn--a/?utm_id=1", policy=POLICY) == urls.parse("http://xn--a/")
    assert urls.make_resolver(page.text)("http://[") == ""


def test_a_base_of_another_scheme_lends_nothing_but_its_scheme() -> None:
    assert urls.make_resolver("ftp://h/a/")("//c/d") == ""
    assert urls.make_resolver("file:///a/")("http:c") == "http://c/"
