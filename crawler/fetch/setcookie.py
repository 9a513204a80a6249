"""Reads a Set-Cookie field as RFC 6265bis 5.6 and 5.7 have it: the cookie that an answer wants kept."""

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
_MAX_FIELD = 2 * MAX_PAIR_BYTES
_MAX_DATE = 64
"""Characters; the longest form has 40, in 8 parts."""
_MAX_PARTS = 12


class Cookie(NamedTuple):
    """One cookie of one site."""

    name: str
    value: str
    domain: str
    is_host_only: bool
    path: str
    is_secure: bool
    expires: float
    """Unix seconds; infinite: it lasts as long as the run."""

    @property
    def identity(self) -> tuple[str, str, bool, str]:
        """A later cookie takes the place of an earlier one that has the same (RFC 6265bis 5.7)."""
        return self.name, self.domain, self.is_host_only, self.path

    def is_for(self, host: str, path: str, *, is_secure: bool) -> bool:
        """Whether a request for that path is told it (RFC 6265bis 5.8.3)."""
        if self.is_secure and not is_secure:
            return False
        is_of_host = host == self.domain if self.is_host_only else domain_matches(host, self.domain)
        return is_of_host and path_matches(path, self.path)


def read(field: str, host: str, path: str, *, is_secure: bool, now: float) -> Cookie | None:
    """The cookie that this field of an answer sets; None: one that no browser would keep.

    `host` and `path` are those of the request, `is_secure` says that it was made with TLS. What is expired comes back
    as well: it takes an earlier one away. Cookies without a name are dropped.
    """
    pair, _, rest = field.partition(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not (equals and name) or len(pair) > MAX_PAIR_BYTES or len(field) > _MAX_FIELD or not field.isprintable():
        return None
    said = _attributes(rest) if rest else {}
    if said is None:
        return None
    domain = said.get("domain", "").removeprefix(".").lower()
    if domain and not domain_matches(host, domain):
        return None
    at = said.get("path", "")
    cookie = Cookie(
        name,
        value,
        domain or host,
        not domain,
        at if at.startswith("/") else _folder(path),
        "secure" in said,
        _expires(said, now),
    )
    return cookie if _may_be(cookie, at, is_secure=is_secure) else None


def domain_matches(host: str, domain: str) -> bool:
    """RFC 6265bis 5.1.3."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def path_matches(path: str, other: str) -> bool:
    """RFC 6265bis 5.1.4."""
    return path.startswith(other) and (len(path) == len(other) or other.endswith("/") or path[len(other)] == "/")


def _attributes(text: str) -> dict[str, str] | None:
    """By name in lower case, the last of each; None: more than anyone writes."""
    if text.count(";") >= MAX_ATTRIBUTES:
        return None
    said = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        value = value.strip()
        if len(value) <= MAX_ATTRIBUTE_CHARACTERS:
            said[name.strip().lower()] = value
    return said


def _may_be(cookie: Cookie, path: str, *, is_secure: bool) -> bool:
    """What is Secure comes over TLS, and so does what says so by its name, in any case (RFC 6265bis 5.7)."""
    name = cookie.name.lower()
    if name.startswith("__host-") and not (cookie.is_secure and cookie.is_host_only and path == "/"):
        return False
    if name.startswith("__secure-") and not cookie.is_secure:
        return False
    return is_secure or not cookie.is_secure


def _folder(path: str) -> str:
    """The default path (RFC 6265bis 5.1.4)."""
    return path.partition("?")[0].rpartition("/")[0] or "/"


def _expires(said: dict[str, str], now: float) -> float:
    """Max-Age goes before Expires; what is neither a number nor a date says nothing."""
    age = said.get("max-age", "")
    if re.fullmatch("-?[0-9]+", age):
        return now + min(float(age[:9]), MAX_AGE_S)
    date = _date(said["expires"]) if "expires" in said else None
    return float("inf") if date is None else min(date, now + MAX_AGE_S)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PART = re.compile(r"[0-9A-Za-z:\x7f-\xff]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_DAY = re.compile(r"\d{1,2}(?!\d)", re.ASCII)
_YEAR = re.compile(r"\d{2,4}(?!\d)", re.ASCII)


def _date(text: str) -> float | None:
    """Unix seconds of a cookie-date (RFC 6265bis 5.1.1), in whatever order its parts come."""
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
