"""Offers the cookies of a crawl to its program: read, set, deleted, saved and loaded as a cookies.txt."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from functools import partial
from os import PathLike
from threading import Lock

from .. import urls
from ..errors import ConfigError, UrlError
from ..model import Url
from ..runtime.clock import wall
from ..runtime.counting import many
from ..runtime.private_files import opener, replace_private_file
from .cookies import Cookies, is_kept
from .setcookie import CONTROLS, MAX_PAIR_BYTES, Cookie, encode

FIELDS = 7
"""Fields of a line: domain, whether subdomains get the cookie, path, whether it is Secure, its end, name and value."""
_HEAD = "# Netscape HTTP Cookie File\n# Written by crawld. Whoever can read this file can act as the crawl does.\n\n"
_HTTP_ONLY = "#HttpOnly_"
_WRITING = Lock()
"""Held by the thread that writes a file: two saves of one file would share its draft."""


class CookieJar:
    """The cookies of one crawl, `Crawl.cookies`. Requests use at once what is set here."""

    def __init__(self, cookies: Cookies) -> None:
        self._cookies = cookies

    def __iter__(self) -> Iterator[Cookie]:
        """Yields the cookies that have not expired, site by site."""
        return iter(self._cookies.find_unexpired())

    def __len__(self) -> int:
        return len(self._cookies.find_unexpired())

    def of(self, url: Url | str) -> str:
        """Returns the Cookie field that a request for this URL gets; empty: there is none. Raises UrlError."""
        return self._cookies.of(_parse(url)).encode("latin-1").decode("utf-8", "surrogateescape")

    def set(
        self,
        name: str,
        value: str,
        url: Url | str,
        *,
        domain: str = "",
        path: str = "/",
        is_secure: bool | None = None,
        expires: float = math.inf,
    ) -> None:
        """Sets a cookie for the host of this URL alone, or with `domain` for that domain and all below it.

        `is_secure`: send it over TLS alone; None: if `url` is https. `expires` is in Unix seconds; without it the
        cookie stays for the length of the crawl. Raises UrlError, and ValueError for what no browser would keep.
        """
        place = _parse(url)
        host, wide = urls.host(place), domain.removeprefix(".").lower()
        secure = place.text.startswith("https:") if is_secure is None else is_secure
        cookie = Cookie(name, value, wide or host, not wide, path, secure, expires)
        _check(cookie)
        if not is_kept(cookie, host):
            raise ValueError(f"the domain {domain!r} is not one that {host} may set cookies for")
        self._cookies.put(cookie)

    def delete(self, name: str, domain: str = "") -> int:
        """Deletes the cookies of this name, of all sites or of `domain` alone; returns how many."""
        wanted = domain.removeprefix(".").lower()
        return self._cookies.remove(lambda one: one.name == name and wanted in ("", one.domain))

    def clear(self, domain: str = "") -> int:
        """Deletes all cookies, or those of `domain` and of all below it; returns how many."""
        wanted = domain.removeprefix(".").lower()
        return self._cookies.remove(lambda one: not wanted or one.domain == wanted or one.domain.endswith(f".{wanted}"))

    async def save(self, path: str | PathLike[str]) -> None:
        """Writes the cookies to a cookies.txt (Netscape's format), which only the owner can read. Raises OSError.

        Cookies without an end are in it. The file is replaced as a whole.
        """
        await asyncio.to_thread(_write, path, self._cookies.find_unexpired())

    async def load(self, path: str | PathLike[str]) -> int:
        """Adds the cookies of a cookies.txt, also one of curl or of a browser; returns how many.

        Cookies that have expired are left out, and those that no browser would keep. Raises OSError, and ConfigError
        for a file that is no cookies.txt.
        """
        found = await asyncio.to_thread(_read, path)
        kept = [cookie for cookie in found if cookie.expires > wall() and is_kept(cookie, cookie.domain)]
        for cookie in kept:
            self._cookies.put(cookie)
        return len(kept)


def _parse(url: Url | str) -> Url:
    return url if isinstance(url, Url) else urls.parse(url)


def _check(cookie: Cookie) -> None:
    """Raises ValueError for a cookie that a Cookie field or a cookies.txt cannot hold."""
    for what, text in (("name", cookie.name), ("value", cookie.value), ("path", cookie.path)):
        is_odd = CONTROLS.search(text) or ";" in text or ("\t" in text and text is not cookie.value)
        if is_odd or text != text.strip(" \t"):
            raise ValueError(f"the {what} of a cookie cannot be {text!r}")
    if not cookie.name or "=" in cookie.name or len(encode(cookie.name + cookie.value)) > MAX_PAIR_BYTES:
        raise ValueError(f"{cookie.name[:80]!r} with its value cannot be a cookie of {MAX_PAIR_BYTES} bytes at most")
    if not cookie.path.startswith("/"):
        raise ValueError(f"the path of a cookie begins with a slash, unlike {cookie.path!r}")


def _write(path: str | PathLike[str], cookies: list[Cookie]) -> None:
    with _WRITING, replace_private_file(path) as file:
        file.write(encode(_HEAD + "".join([_line(one) for one in cookies if "\t" not in one.name + one.path])))


def _line(cookie: Cookie) -> str:
    wide = not cookie.is_host_only
    end = 0 if cookie.expires == math.inf else math.ceil(cookie.expires)
    domain = f".{cookie.domain}" if wide else cookie.domain
    words = (domain, _word(wide), cookie.path, _word(cookie.is_secure), str(end), cookie.name, cookie.value)
    return "\t".join(words) + "\n"


def _word(is_so: bool) -> str:
    return "TRUE" if is_so else "FALSE"


def _read(path: str | PathLike[str]) -> list[Cookie]:
    with open(path, encoding="utf-8", errors="surrogateescape", opener=partial(opener)) as file:
        lines = file.read().split("\n")
    found = []
    for number, line in enumerate(lines, 1):
        text = line.removesuffix("\r").removeprefix(_HTTP_ONLY)
        if text.strip() and not text.startswith("#"):
            try:
                found.append(_parse_line(text))
            except (ValueError, UrlError) as error:
                raise ConfigError(f"{path}, line {number}: {error}") from error
    return found


def _parse_line(text: str) -> Cookie:
    parts = text.split("\t", FIELDS - 1)  # a value may hold tabs
    if len(parts) == FIELDS - 1:
        parts.append("")  # an empty value, whose tab an editor cut off
    if len(parts) != FIELDS:
        raise ValueError(f"has {many(len(parts), 'field')} separated by tabs, and a line of a cookies.txt has {FIELDS}")
    domain, wide, path, secure, end, name, value = parts
    host = urls.host(urls.parse(f"https://{domain.strip().removeprefix('.')}/"))
    expires = float(end or 0) or math.inf
    if not expires >= 0:
        raise ValueError(f"{end!r} is no time in Unix seconds")
    cookie = Cookie(name, value, host, wide.upper() != "TRUE", path or "/", secure.upper() == "TRUE", expires)
    _check(cookie)
    return cookie
