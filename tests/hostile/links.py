"""URLs in pages: too long, with secrets, odd ports, odd hosts, odd bytes. Only those that are good are asked for."""

from __future__ import annotations

from html import escape

from tests.hostile.answers import answers, page
from tests.hostile.behaviour import FETCHED, Behaviour, Family, hostile
from tests.hostile.line import Asked


def _leading(name: str, *hrefs: str, most_records: int = 1) -> Behaviour:
    """A page with these links; `{site}` stands for its own host and port. Whatever is asked for here exists."""

    def answer(asked: Asked) -> bytes:
        if asked.path != "/":
            return page(f"<title>{escape(asked.path[:60])}</title><p>{escape(asked.path[:200])} {name}")
        site = asked.site.partition("//")[2]
        anchors = [f'<a href="{escape(href.format(site=site))}">{n}</a>' for n, href in enumerate(hrefs)]
        return page(f"<title>{name}</title>" + "".join(anchors))

    return hostile(name, answers(answer), FETCHED, most_records=most_records)


FAMILY = Family(
    "links",
    (
        _leading("a URL of a megabyte", "/" + "u" * 1_000_000),
        _leading("a query of a megabyte", "/?" + "q=1&" * 250_000),
        _leading("a host of a megabyte", "http://" + "h" * 1_000_000 + "/"),
        _leading("a hundred thousand dots", "/" + "../" * 100_000 + "dots", most_records=2),
        _leading("a hundred thousand slashes", "/" * 100_000),
        _leading("a URL just short enough", "/" + "u" * 2000, most_records=2),
        _leading("passwords in URLs", "http://admin:secret@{site}/secret", "http://@{site}/at", most_records=3),
        _leading("a host in the password", "http://127.66.254.7@10.0.0.1/", "http://{site}%2f@10.0.0.2/"),
        _leading(
            "odd ports", *[f"http://127.66.254.8:{port}/" for port in ("0", "22", "65536", "-1", "1e3", "", "0x50")]
        ),
        _leading(
            "Punycode that is none", "http://xn--/", "http://xn--a/", "http://xn--zzzzzz99999/", "http://xn--ls8h-/"
        ),
        _leading(
            "names in Unicode", "http://ｌｏｃａｌｈｏｓｔ/", "http://ⅷ.test/", "http://\u200b.test/", "http://ß.test/"
        ),
        _leading(
            "slashes and dots encoded",
            "/%2e%2e/%2E%2e/etc",
            "/a%2f..%2fb",
            "/..%5c..%5cwin",
            "/%252e%252e/x",
            most_records=5,
        ),
        _leading(
            "NULs and controls in URLs",
            "/nul%00byte",
            "/esc%1b[2J",
            "/cr%0d%0aSet-Cookie:%20a=b",
            "/\x01raw\x7f",
            most_records=6,
        ),
        _leading("line ends in URLs", "/li\nne", "/ta\tb", " /blank ", "ja\nvascript:alert(1)", most_records=5),
        _leading(
            "request smuggling in URLs",
            "/x HTTP/1.1\r\nHost: evil\r\n\r\n",
            "/x%20HTTP/1.1%0d%0aHost:%20evil",
            most_records=3,
        ),
        _leading(
            "other schemes",
            "file:///etc/passwd",
            "gopher://10.0.0.1/",
            "ldap://x/",
            "dict://x/",
            "jar:http://x!/y",
            "vbscript:x",
            "HTTP:/\\{site}/ok",
            "chrome://settings",
            most_records=2,
        ),
        _leading(
            "private places", "http://10.0.0.1/", "http://[::1]/", "http://2130706433/", "http://169.254.169.254/"
        ),
        _leading(
            "ten thousand parameters", "/?" + "&".join(f"p{i}" for i in range(400)), "/?a=b&&&&=&=", most_records=3
        ),
        _leading("lone surrogates and bidi in URLs", "/\u202eexe.txt", "/&#xd800;", "/%ed%a0%80", most_records=4),
        _leading("backslashes", "\\\\10.0.0.1\\share", "\\windows\\path", "http:\\\\{site}\\back", most_records=4),
        _leading(
            "brackets unclosed", "http://[::1", "http://[::1]:x/", "http://[v1.x]/", "http://]/", "http://[1.2.3.4]/"
        ),
        _leading(
            "template words",
            "/{{{{item.url}}}}",
            "/<%= url %>",
            "/${{url}}",
            "/undefined",
            "/[object Object]",
            most_records=6,
        ),
    ),
)
