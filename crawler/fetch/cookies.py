"""Keeps cookies for the length of a run, each site's for itself (RFC 6265bis)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aiohttp import CookieJar
from yarl import URL

from ..model import Url
from ..urls import registered_domain

MAX_SITES = 8192
"""Jars at a time; those of the sites asked least lately go first."""
MAX_COOKIES = 100
"""Of one site, its subdomains included: with MAX_PAIR_BYTES this bounds a jar to 400 kB, and a site needs a few."""
MAX_FIELDS = 50
"""Set-Cookie fields of one answer that are read."""
MAX_PAIR_BYTES = 4096
"""Name and value together (RFC 6265bis 5.6); aiohttp's jar holds to it too, from 3.14 on."""
MAX_BYTES = 1 << 25
"""All names and values of all jars; some memory is needed beside them."""
MAX_SENT_BYTES = 1 << 14
"""Of one request's Cookie field: servers refuse heads of more than 8 to 32 KiB, and most would send none back."""
_DOMAIN = re.compile(r";\s*domain\s*=[^;]*", re.IGNORECASE)
"""Names a host in any case; aiohttp's jar takes it literally."""


class Cookies:
    """A jar for each registered domain: what one sets, no other is ever sent, whatever Domain it named.

    Path, Secure, Expires and Max-Age are aiohttp's work. SameSite and HttpOnly say nothing to a crawler, for whom every
    request is its own site's.
    """

    def __init__(self) -> None:
        self._jars: dict[str, _Jar] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return sum(len(jar.jar) for jar in self._jars.values())

    def of(self, url: Url) -> str:
        """The value of the Cookie field for this URL, or an empty string."""
        jar = self._jars.get(registered_domain(url))
        if jar is None:
            return ""
        chosen = jar.jar.filter_cookies(_yarl(url)).values()
        text = "; ".join(_fitting([f"{cookie.key}={cookie.coded_value}" for cookie in chosen]))
        return text.encode().decode("latin-1")  # the octets that came, one character each: what a head is made of

    def keep(self, url: Url, fields: Sequence[str]) -> None:
        """Take in the Set-Cookie fields of this URL's answer; what no browser would keep is dropped."""
        site = registered_domain(url)
        jar = self._jars.pop(site, None) or _Jar(CookieJar(unsafe=True, quote_cookie=False))
        wanted = [_DOMAIN.sub(_lowered, field) for field in fields[:MAX_FIELDS] if _is_wanted(field, url)]
        jar.jar.update_cookies_from_headers(wanted, _yarl(url))
        jar.trim(site)
        self._bytes += jar.count()
        if len(jar.jar):
            self._jars[site] = jar
        while self._bytes > MAX_BYTES or len(self._jars) > MAX_SITES:
            self._bytes -= self._jars.pop(next(iter(self._jars))).size


class _Jar:
    __slots__ = ("jar", "size")

    def __init__(self, jar: CookieJar) -> None:
        self.jar = jar
        self.size = 0

    def trim(self, site: str) -> None:
        """Drop cookies for a public suffix, and those beyond the number allowed, of the oldest paths first."""
        excess = max(0, len(self.jar) - MAX_COOKIES)
        victims = {id(cookie) for cookie in list(self.jar)[:excess]}
        self.jar.clear(lambda cookie: id(cookie) in victims or not _is_within(cookie["domain"], site))

    def count(self) -> int:
        """How many bytes there are more than at the last count."""
        before, self.size = self.size, sum(len(cookie.key) + len(cookie.value) for cookie in self.jar)
        return self.size - before


def _fitting(pairs: list[str]) -> Iterator[str]:
    room = MAX_SENT_BYTES
    for pair in pairs:
        room -= len(pair.encode()) + 2
        if room >= 0:
            yield pair


def _lowered(attribute: re.Match[str]) -> str:
    return attribute[0].lower()


def _is_wanted(field: str, url: Url) -> bool:
    pair, _, attributes = field.partition(";")
    name, equals, _ = pair.partition("=")
    if not equals or not name.strip() or len(pair) > MAX_PAIR_BYTES or not field.isprintable():
        return False
    is_secure = url.text.startswith("https:")
    said = {text.partition("=")[0].strip().lower(): text.partition("=")[2].strip() for text in attributes.split(";")}
    if "secure" in said and not is_secure:  # RFC 6265bis 5.7, step 8
        return False
    prefix = name.strip().lower()
    if prefix.startswith("__host-"):  # RFC 6265bis 4.1.3.2
        return is_secure and "secure" in said and not said.get("domain") and said.get("path") == "/"
    return not prefix.startswith("__secure-") or (is_secure and "secure" in said)


def _is_within(domain: str, site: str) -> bool:
    return domain == site or domain.endswith(f".{site}")


def _yarl(url: Url) -> URL:
    return URL(url.text, encoded=True)
