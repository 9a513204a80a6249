"""Keeps cookies during a run, in a separate jar for each site (RFC 6265bis)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..model import Url
from ..runtime.clock import wall
from ..urls import host, registered_domain, registered_domain_of_host
from .setcookie import MAX_PAIR_BYTES, Cookie, domain_matches, encode, path_matches, read

__all__ = ["MAX_PAIR_BYTES", "Cookies"]

MAX_SITES = 8192
"""Jars at a time. The jar whose site set cookies longest ago is dropped first."""
MAX_COOKIES = 100
"""Cookies of one site, with its subdomains. With MAX_PAIR_BYTES this bounds a jar to 400 kB; a site needs a few."""
MAX_FIELDS = 50
"""Number of Set-Cookie fields that are read from one answer."""
MAX_BYTES = 1 << 25
"""Characters of all names and values in all jars. The objects around them need some memory more."""
MAX_SENT_BYTES = 1 << 14
"""Bytes of one Cookie field. Servers refuse heads above 8 to 32 KiB, and most then send no cookie back."""


class Cookies:
    """Holds a jar for each registered domain. A cookie is never sent to another registered domain.

    SameSite and HttpOnly have no effect here: each request of a crawler belongs to the site that it goes to.
    """

    def __init__(self, clock: Callable[[], float] = wall) -> None:
        self._jars: dict[str, Jar] = {}
        self._bytes = 0
        self._clock = clock
        self.changes: int = 0
        """Goes up whenever cookies may have changed."""

    def __len__(self) -> int:
        return sum(map(len, self._jars.values()))

    def of(self, url: Url) -> str:
        """Returns the value of the Cookie field for this URL, or an empty string."""
        jar = self._jars.get(registered_domain(url))
        if jar is None:
            return ""
        chosen = jar.choose(host(url), _path(url), self._clock(), is_secure=_is_secure(url))
        text = "; ".join(_cut_to_size([f"{cookie.name}={cookie.value}" for cookie in chosen]))
        return encode(text).decode("latin-1")  # one character for each octet, as request heads are built

    def keep(self, url: Url, fields: Sequence[str]) -> None:
        """Stores the Set-Cookie fields of this URL's answer, and drops those that no browser would keep."""
        site, now, is_secure = registered_domain(url), self._clock(), _is_secure(url)
        with self._change(site) as jar:
            for field in fields[:MAX_FIELDS]:
                cookie = read(field, host(url), _path(url), is_secure=is_secure, now=now)
                if cookie and (cookie.is_host_only or domain_matches(cookie.domain, site)):  # no public suffix
                    jar.keep(cookie, now, is_secure=is_secure)

    def find_unexpired(self) -> list[Cookie]:
        """Returns the cookies that have not expired, site by site."""
        now = self._clock()
        return [cookie for jar in self._jars.values() for cookie in jar if cookie.expires > now]

    def put(self, cookie: Cookie) -> None:
        """Stores a cookie that the program sets."""
        with self._change(registered_domain_of_host(cookie.domain)) as jar:
            jar.keep(cookie, self._clock(), is_secure=True)

    def remove(self, is_unwanted: Callable[[Cookie], bool]) -> int:
        """Removes the cookies for which `is_unwanted` holds; returns how many."""
        removed = 0
        for site in [*self._jars]:
            if unwanted := [cookie for cookie in self._jars[site] if is_unwanted(cookie)]:
                removed += len(unwanted)
                with self._change(site) as jar:
                    for cookie in unwanted:
                        jar.drop(cookie)
        return removed

    @contextmanager
    def _change(self, site: str) -> Iterator[Jar]:
        """Yields the jar of a site to be changed, and keeps all jars together within their bounds."""
        self.changes += 1
        jar = self._jars.pop(site, None) or Jar()
        self._bytes -= jar.size
        yield jar
        if len(jar):
            self._bytes += jar.size
            self._jars[site] = jar
        while self._bytes > MAX_BYTES or len(self._jars) > MAX_SITES:
            self._bytes -= self._jars.pop(next(iter(self._jars))).size


class Jar:
    """The cookies of one site, oldest first."""

    __slots__ = ("_cookies", "size")

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, bool, str], Cookie] = {}
        self.size: int = 0
        """Characters of names and values."""

    def __len__(self) -> int:
        return len(self._cookies)

    def __iter__(self) -> Iterator[Cookie]:
        return iter(self._cookies.values())

    def choose(self, host: str, path: str, now: float, *, is_secure: bool) -> list[Cookie]:
        """Returns the cookies to send with a request: the longest path first, then the oldest (RFC 6265bis 5.8.3)."""
        fitting = [one for one in self._cookies.values() if one.is_for(host, path, is_secure=is_secure)]
        return sorted((one for one in fitting if one.expires > now), key=lambda one: -len(one.path))

    def keep(self, cookie: Cookie, now: float, *, is_secure: bool) -> None:
        """Stores a cookie. `is_secure` says that it came over TLS."""
        alike = [] if is_secure else [one for one in self._cookies.values() if one.name == cookie.name]
        if any(one.expires > now and _hides(cookie, one) for one in alike):
            return
        if cookie.expires <= now:
            self.drop(self._cookies.get(cookie.identity))
            return
        if earlier := self._cookies.get(cookie.identity):
            self.size -= _size(earlier)
        self._cookies[cookie.identity] = cookie
        self.size += _size(cookie)
        if len(self._cookies) > MAX_COOKIES:
            self.drop(self._find_least(now))

    def _find_least(self, now: float) -> Cookie:
        """Returns the cookie to drop: an expired one, else one without Secure, else the oldest (RFC 6265bis 5.7).

        So an answer over http: never drives out a Secure cookie.
        """
        return min(self._cookies.values(), key=lambda one: one.is_secure + 1 if one.expires > now else 0)

    def drop(self, cookie: Cookie | None) -> None:
        if cookie:
            del self._cookies[cookie.identity]
            self.size -= _size(cookie)


def is_kept(cookie: Cookie, host: str) -> bool:
    """Whether a browser would keep this cookie of a host: its own, or of a domain above it that is no public suffix."""
    if cookie.is_host_only:
        return cookie.domain == host
    owned = registered_domain_of_host(f"a.{cookie.domain}")
    return domain_matches(host, cookie.domain) and domain_matches(cookie.domain, owned)


def _hides(cookie: Cookie, secure: Cookie) -> bool:
    """Whether a cookie that came without TLS would replace a Secure one or be sent before it (RFC 6265bis 5.7)."""
    if not secure.is_secure or not path_matches(cookie.path, secure.path):
        return False
    return domain_matches(cookie.domain, secure.domain) or domain_matches(secure.domain, cookie.domain)


def _size(cookie: Cookie) -> int:
    return len(cookie.name) + len(cookie.value)


def _cut_to_size(pairs: list[str]) -> Iterator[str]:
    room = MAX_SENT_BYTES
    for pair in pairs:
        room -= len(encode(pair)) + 2
        if room >= 0:
            yield pair


def _path(url: Url) -> str:
    return url.path.partition("?")[0]


def _is_secure(url: Url) -> bool:
    return url.text.startswith("https:")
