"""Tells redirects from pages (RFC 9110 10.2.2, 15.4), and finds redirects that lead in a circle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..errors import LongUrlError, UrlError
from ..model import Request, Response, Url

MOST_KEPT = 10_000
"""Redirects that are remembered, some three megabytes. The frontier knows only the redirects that found a URL first."""

MOST_STEPS = 100
"""Redirects that are walked for one answer. A longer circle costs its requests, and no more of our time."""
_PAGES = frozenset({304, 305, 306})
"""Statuses that never redirect: not modified; use a proxy (deprecated: it may be anyone's); unused."""
MAX_REFERENCE = 1 << 13
"""Most characters of a Location as it is written: a quarter is enough for a URL; dots and a fragment may be dropped."""
_ENCODED = {octet: f"%{octet:02X}" for octet in range(0x80, 0x100)}


_OF_BODIES = frozenset(("content-type", "content-encoding", "content-language", "content-location"))
_SECRET = frozenset(("authorization", "cookie"))


class Hop(NamedTuple):
    """A URL that redirected, with its row in the frontier."""

    row: int
    url: Url


class Paths:
    """Remembers where URLs redirected to lately, in one run, and finds circles."""

    def __init__(self) -> None:
        self._paths: dict[Url, tuple[Hop, Url, int]] = {}
        """URL -> its hop, its target, and how many redirects had been kept by then."""
        self._kept = 0
        self._tried: dict[int, int] = {}
        """Row of a circle that was requested once more -> how many redirects had been kept by then."""

    def __len__(self) -> int:
        """Returns how many redirects are remembered."""
        return len(self._paths)

    def keep(self, url: Url, row: int, target: Url) -> None:
        self._kept += 1
        self._paths[url] = Hop(row, url), target, self._kept
        if len(self._paths) > MOST_KEPT:
            del self._paths[next(iter(self._paths))]

    def forget(self, url: Url) -> None:
        """Drops a URL that does not redirect, or no longer does."""
        self._paths.pop(url, None)

    def way(self, start: Url, end: Url) -> Sequence[Hop]:
        """Returns the redirects that lead from `start` to `end`; empty where none do, or more than MOST_STEPS."""
        hops: list[Hop] = []
        while start != end and len(hops) < MOST_STEPS and (path := self._paths.get(start)):
            hops.append(path[0])
            start = path[1]
        return hops if start == end else ()

    def try_again(self, row: int, hops: Sequence[tuple[int, Url]]) -> tuple[int, ...]:
        """Returns the rows of a circle that are worth one more request, `row` closing the circle; empty if they had it.

        A circle is tried once, but twice where earlier runs walked a part of it: their cookies are gone.
        """
        rows = tuple(number for number, _ in hops)
        was_walked = all(url in self._paths for _, url in hops)
        is_first = not was_walked and self._mark([-number for number in rows])
        return rows if is_first or self._mark([row, *rows]) else ()

    def is_open(self, hop: tuple[int, Url]) -> bool:
        """Returns whether the hop is to be requested once more, and was not yet."""
        path = self._paths.get(hop[1])
        return hop[0] in self._tried and (path is None or path[2] <= self._tried[hop[0]])

    def _mark(self, rows: Sequence[int]) -> bool:
        if not self._tried.keys().isdisjoint(rows):
            return False
        if len(self._tried) > MOST_KEPT:
            self._tried.clear()
        self._tried.update(dict.fromkeys(rows, self._kept))
        return True


def is_redirect(response: Response) -> bool:
    """Returns whether a response sends us elsewhere: 3xx with a Location.

    With no Location, or an empty one, the response is a page like any other, as in browsers. 300, and unknown statuses,
    are redirects if they have a Location (RFC 9110 15, 15.4.1).
    """
    return 300 <= response.status < 400 and response.status not in _PAGES and bool(_locations(response))


def location(response: Response) -> str:
    """Returns the target of a redirect, relative or not, with octets beyond ASCII percent-encoded.

    Raises UrlError where two Locations contradict each other, for one may be a forgery, or where one is too long.
    """
    found = _locations(response)
    if len(found) > 1:
        raise UrlError(f"{len(found)} different Locations at once")
    reference = found.pop()
    if len(reference) > MAX_REFERENCE:
        raise LongUrlError(f"longer than {MAX_REFERENCE} characters")
    return reference if reference.isascii() else reference.translate(_ENCODED)


def follow(request: Request, status: int, target: Url) -> Request:
    """Returns the request for the target of a redirect. It keeps label and data, and what is sent as far as it may.

    Standards: RFC 9110 15.4 and Fetch (HTTP-redirect fetch): a POST becomes a GET with 301 and 302, whatever is no HEAD
    does with 303, and then loses its body with the fields that describe it; another site gets no credentials.
    """
    is_root = request.url == request.anchor
    found = Request(
        target,
        depth=request.depth,
        via=request.url,
        seed=request.origin,
        root=None if is_root else request.anchor,
        priority=request.priority,
        redirects=request.redirects + 1,
        label=request.label,
        data=request.data,
        extra_hop=request.extra_hop,
        requisite=request.requisite,
    )
    if request.is_plain:
        return found
    becomes_get = (status in (301, 302) and request.method == "POST") or (
        status == 303 and request.method not in ("GET", "HEAD")
    )
    dropped = (_OF_BODIES if becomes_get else frozenset()) | (
        frozenset() if target.site == request.url.site else _SECRET
    )
    headers = tuple((name, value) for name, value in request.headers if name.lower() not in dropped)
    if becomes_get:
        return replace(found, headers=headers)
    return replace(found, method=request.method, headers=headers, body=request.body)


def _locations(response: Response) -> set[str]:
    values = (value for name, value in response.headers if name.lower() == b"location")
    return {value.decode("latin-1") for value in values if value.strip()}
