"""Reads the cookie from a Set-Cookie field, as in RFC 6265bis 5.6 and 5.7."""

from __future__ import annotations

import re
from calendar import timegm
from typing import NamedTuple

from ..urls import is_address

MAX_PAIR_BYTES = 4096
"""Name and value together (RFC 6265bis 5.6)."""
MAX_ATTRIBUTES = 16
MAX_ATTRIBUTE_CHARACTERS = 1024
"""RFC 6265bis 5.6."""
MAX_AGE_S = 400 * 86400.0
"""RFC 6265bis 5.5."""
CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
"""Characters that no Set-Cookie field holds. A tab may stand in it (RFC 6265bis 5.6)."""
_BLANKS = " \t"
_MAX_FIELD = 2 * MAX_PAIR_BYTES
_MAX_DATE = 64
"""Characters of a date. The longest form has 40, in 8 parts."""
_MAX_PARTS = 12


class Cookie(NamedTuple):
    """One cookie of one site."""

    name: str
    """Its name."""
    value: str
    """Its value, as the site sent it."""
    domain: str
    """The host that set it, or the domain that it is for."""
    is_host_only: bool
    """Whether only that very host gets it, and no host below."""
    path: str
    """The path that it is for, with all below."""
    is_secure: bool
    """Whether it is sent over TLS alone."""
    expires: float
    """Unix seconds. Infinite means until the end of the run."""

    @property
    def identity(self) -> tuple[str, str, bool, str]:
        """Returns the key of the cookie. A later cookie replaces an earlier one with the same key (RFC 6265bis 5.7)."""
        return self.name, self.domain, self.is_host_only, self.path

    def is_for(self, host: str, path: str, *, is_secure: bool) -> bool:
        """Whether the cookie is sent with a request to this host and path (RFC 6265bis 5.8.3)."""
        if self.is_secure and not is_secure:
            return False
        is_of_host = host == self.domain if self.is_host_only else domain_matches(host, self.domain)
        return is_of_host and path_matches(path, self.path)


def read(field: str, host: str, path: str, *, is_secure: bool, now: float) -> Cookie | None:
    """Returns the cookie that this field sets, or None if no browser would keep it.

    `host` and `path` are those of the request; `is_secure` says that it was made with TLS. Expired cookies are returned
    too, because they delete an earlier one. Cookies without a name are dropped.
    """
    pair, _, rest = field.partition(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(_BLANKS), value.strip(_BLANKS)
    if not (equals and name) or len(field) > _MAX_FIELD or CONTROLS.search(field):
        return None
    if len(encode(name + value)) > MAX_PAIR_BYTES:
        return None
    attributes = _attributes(rest) if rest else {}
    if attributes is None:
        return None
    domain = attributes.get("domain", "").removeprefix(".").lower()
    if domain and not domain_matches(host, domain):
        return None
    at = attributes.get("path", "")
    cookie = Cookie(
        name,
        value,
        domain or host,
        not domain,
        at if at.startswith("/") else _folder(path),
        "secure" in attributes,
        _expires(attributes, now),
    )
    return cookie if _may_be(cookie, at, is_secure=is_secure) else None


def encode(text: str) -> bytes:
    """Returns the octets of a name or value as they came: those that are no UTF-8 too."""
    return text.encode("utf-8", "surrogateescape")


def domain_matches(host: str, domain: str) -> bool:
    """Whether a host lies in a domain (RFC 6265bis 5.1.3)."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def path_matches(path: str, other: str) -> bool:
    """Whether a path lies under another (RFC 6265bis 5.1.4)."""
    return path.startswith(other) and (len(path) == len(other) or other.endswith("/") or path[len(other)] == "/")


def _attributes(text: str) -> dict[str, str] | None:
    """Returns the attributes by their names in lower case, the last of each; None if there are too many."""
    if text.count(";") >= MAX_ATTRIBUTES:
        return None
    attributes = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        value = value.strip(_BLANKS)
        if len(value) <= MAX_ATTRIBUTE_CHARACTERS:
            attributes[name.strip(_BLANKS).lower()] = value
    return attributes


def _may_be(cookie: Cookie, path: str, *, is_secure: bool) -> bool:
    """Whether the rules for Secure and for the prefixes `__Host-` and `__Secure-` allow it (RFC 6265bis 5.7)."""
    name = cookie.name.lower()
    if name.startswith("__host-") and not (cookie.is_secure and cookie.is_host_only and path == "/"):
        return False
    if name.startswith("__secure-") and not cookie.is_secure:
        return False
    return is_secure or not cookie.is_secure


def _folder(path: str) -> str:
    """Returns the default path (RFC 6265bis 5.1.4)."""
    return path.partition("?")[0].rpartition("/")[0] or "/"


def _expires(attributes: dict[str, str], now: float) -> float:
    """Returns the end of the cookie in Unix seconds. Max-Age wins over Expires; unreadable values are ignored."""
    age = attributes.get("max-age", "")
    if re.fullmatch("-?[0-9]+", age):
        return now + min(float(age[:9]), MAX_AGE_S)
    date = _date(attributes["expires"]) if "expires" in attributes else None
    return float("inf") if date is None else min(date, now + MAX_AGE_S)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PART = re.compile(r"[0-9A-Za-z:\x7f-\xff]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_DAY = re.compile(r"\d{1,2}(?!\d)", re.ASCII)
_YEAR = re.compile(r"\d{2,4}(?!\d)", re.ASCII)


def _date(text: str) -> float | None:
    """Returns a cookie-date in Unix seconds (RFC 6265bis 5.1.1), with its parts in any order; None if it is none."""
    found: dict[str, tuple[int, ...]] = {}
    for part in _PART.findall(text[:_MAX_DATE])[:_MAX_PARTS]:
        if "time" not in found and (match := _TIME.match(part)):
            found["time"] = (int(match[1]), int(match[2]), int(match[3]))
        elif "day" not in found and (match := _DAY.match(part)):
            found["day"] = (int(match[0]),)
        elif "month" not in found and part[:3].lower() in _MONTHS:
            found["month"] = (_MONTHS.index(part[:3].lower()) + 1,)
        elif "year" not in found and (match := _YEAR.match(part)):
            found["year"] = (int(match[0]),)
    if len(found) < len(("time", "day", "month", "year")):
        return None
    (hour, minute, second), (day,), (month,), (year,) = (found[key] for key in ("time", "day", "month", "year"))
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    if not 1 <= day <= 31 or year < 1601 or hour > 23 or minute > 59 or second > 59:
        return None
    return float(timegm((year, month, day, hour, minute, second)))
