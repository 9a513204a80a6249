"""Keeps cookies for the length of a run, each site's for itself (RFC 6265bis)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import time

from ..model import Url
from ..urls import host, registered_domain
from .setcookie import MAX_PAIR_BYTES, Cookie, domain_matches, path_matches, read

__all__ = ["MAX_PAIR_BYTES", "Cookies"]

MAX_SITES = 8192
"""Jars at a time; those of the sites asked least lately go first."""
MAX_COOKIES = 100
"""Of one site, its subdomains included: with MAX_PAIR_BYTES this bounds a jar to 400 kB, and a site needs a few."""
MAX_FIELDS = 50
"""Set-Cookie fields of one answer that are read."""
MAX_BYTES = 1 << 25
"""All names and values of all jars; some memory is needed beside them."""
MAX_SENT_BYTES = 1 << 14
"""Of one request's Cookie field: servers refuse heads of more than 8 to 32 KiB, and most would send none back."""


class Cookies:
    """A jar for each registered domain: what one sets, no other is ever sent, whatever Domain it named.

    SameSite and HttpOnly say nothing to a crawler, for whom every request is its own site's.
    """

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._jars: dict[str, Jar] = {}
        self._bytes = 0
        self._clock = clock

    def __len__(self) -> int:
        return sum(map(len, self._jars.values()))

    def of(self, url: Url) -> str:
        """The value of the Cookie field for this URL, or an empty string."""
        jar = self._jars.get(registered_domain(url))
        if jar is None:
            return ""
        chosen = jar.chosen(host(url), _path(url), self._clock(), is_secure=_is_secure(url))
        text = "; ".join(_fitting([f"{cookie.name}={cookie.value}" for cookie in chosen]))
        return text.encode().decode("latin-1")  # the octets that came, one character each: what a head is made of

    def keep(self, url: Url, fields: Sequence[str]) -> None:
        """Take in the Set-Cookie fields of this URL's answer; what no browser would keep is dropped."""
        site, now, is_secure = registered_domain(url), self._clock(), _is_secure(url)
        jar = self._jars.pop(site, None) or Jar()
        self._bytes -= jar.size
        for field in fields[:MAX_FIELDS]:
            cookie = read(field, host(url), _path(url), is_secure=is_secure, now=now)
            if cookie and (cookie.is_host_only or domain_matches(cookie.domain, site)):  # no public suffix
                jar.keep(cookie, now, is_secure=is_secure)
        if len(jar):
            self._bytes += jar.size
            self._jars[site] = jar
        while self._bytes > MAX_BYTES or len(self._jars) > MAX_SITES:
            self._bytes -= self._jars.pop(next(iter(self._jars))).size


class Jar:
    """The cookies of one site, the one that was set first first."""

    __slots__ = ("_cookies", "size")

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, bool, str], Cookie] = {}
        self.size = 0
        """Characters of names and values."""

    def __len__(self) -> int:
        return len(self._cookies)

    def chosen(self, host: str, path: str, now: float, *, is_secure: bool) -> list[Cookie]:
        """Those that a request is told, the longest path first, then the oldest (RFC 6265bis 5.8.3)."""
        fitting = [one for one in self._cookies.values() if one.is_for(host, path, is_secure=is_secure)]
        return sorted((one for one in fitting if one.expires > now), key=lambda one: -len(one.path))

    def keep(self, cookie: Cookie, now: float, *, is_secure: bool) -> None:
        """Take in one that came over TLS, if `is_secure`."""
        alike = [] if is_secure else [one for one in self._cookies.values() if one.name == cookie.name]
        if any(one.expires > now and _hides(cookie, one) for one in alike):
            return
        if cookie.expires <= now:
            self._drop(self._cookies.get(cookie.identity))
            return
        if earlier := self._cookies.get(cookie.identity):
            self.size -= _size(earlier)
        self._cookies[cookie.identity] = cookie
        self.size += _size(cookie)
        if len(self._cookies) > MAX_COOKIES:
            self._drop(self._least(now))

    def _least(self, now: float) -> Cookie:
        """The one to drop: expired, else not Secure, else the oldest (RFC 6265bis 5.7): http: evicts no Secure one."""
        return min(self._cookies.values(), key=lambda one: one.is_secure + 1 if one.expires > now else 0)

    def _drop(self, cookie: Cookie | None) -> None:
        if cookie:
            del self._cookies[cookie.identity]
            self.size -= _size(cookie)


def _hides(cookie: Cookie, secure: Cookie) -> bool:
    """Whether one that came without TLS would stand for a Secure one, or before it (RFC 6265bis 5.7)."""
    if not secure.is_secure or not path_matches(cookie.path, secure.path):
        return False
    return domain_matches(cookie.domain, secure.domain) or domain_matches(secure.domain, cookie.domain)


def _size(cookie: Cookie) -> int:
    return len(cookie.name) + len(cookie.value)


def _fitting(pairs: list[str]) -> Iterator[str]:
    room = MAX_SENT_BYTES
    for pair in pairs:
        room -= len(pair.encode()) + 2
        if room >= 0:
            yield pair


def _path(url: Url) -> str:
    return url.path.partition("?")[0]


def _is_secure(url: Url) -> bool:
    return url.text.startswith("https:")
