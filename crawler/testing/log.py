"""Keeps the server's log: each request with its times, and answers to the questions that tests ask about them.

Politeness is judged here, from the server's side. An answer ends just before its last bytes go to the connection, so
never later than the client has them: a gap measured here is never shorter than the client's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

ROBOTS_PATH = "/robots.txt"


@dataclass(slots=True)
class Hit:
    """One request as the server saw it. Times are seconds of `time.monotonic()`."""

    host: str  # the site's name in the description
    url: str  # as requested, with the Host header's authority
    target: str  # path and query
    method: str
    head: bytes  # request line and headers, raw
    client: tuple[str, int]  # address and port of the client, one pair for each connection
    visit: int  # 1 for the first request of this URL
    concurrency: int  # open requests on this site when this one came, including itself
    began: float
    ended: float | None = None
    status: int | None = None  # the answer's status; None if it was not HTTP
    complete: bool = False  # False if the client left, or the page broke the connection

    @property
    def path(self) -> str:
        """Returns the target without its query."""
        return self.target.partition("?")[0]

    @property
    def headers(self) -> dict[str, str]:
        """Returns the request's headers by lower-case name. The last of each name wins."""
        return parsed_headers(self.head)


class HitLog:
    """Holds all hits of a server in order of arrival."""

    def __init__(self, host_of: Callable[[str], str]) -> None:
        """`host_of` returns the name of a site for its name, host:port or URL."""
        self.hits: list[Hit] = []
        self._host_of = host_of

    def counts(self, *, robots: bool = True) -> Counter[str]:
        """Returns how often each URL was requested."""
        return Counter(hit.url for hit in self.hits if robots or hit.path != ROBOTS_PATH)

    def of(self, host: str, *, robots: bool = True) -> list[Hit]:
        """Returns the hits of one site, in order of arrival. With `robots=False`, those on robots.txt are left out."""
        name = self._host_of(host)
        return [hit for hit in self.hits if hit.host == name and (robots or hit.path != ROBOTS_PATH)]

    def worst_concurrency(self, host: str | None = None) -> int:
        """Returns the largest number of open requests at one time on a site (or on any site), robots.txt included."""
        hits = self.hits if host is None else self.of(host)
        return max((hit.concurrency for hit in hits), default=0)

    def peak(self) -> int:
        """Returns the largest number of open requests at one time on the whole server."""
        return _peak(self.hits)

    def gaps(self, host: str, *, robots: bool = False) -> list[float]:
        """Returns the seconds between successive arrivals on a site."""
        return [later.began - earlier.began for earlier, later in pairwise(self.of(host, robots=robots))]

    def pauses(self, host: str, *, robots: bool = False) -> list[float]:
        """Returns the seconds from the end of each answer to the next arrival on a site; negative if they overlap."""
        pairs = pairwise(self.of(host, robots=robots))
        return [later.began - earlier.ended for earlier, later in pairs if earlier.ended is not None]


def parsed_headers(head: bytes) -> dict[str, str]:
    """Returns the headers of a raw request head by lower-case name."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _peak(hits: Iterable[Hit]) -> int:
    """Returns the largest number of hits at one time. An end and a beginning at the same instant do not overlap."""
    turns = sorted(turn for hit in hits for turn in ((hit.began, 1), (hit.ended or float("inf"), -1)))
    most = now = 0
    for _, change in turns:
        now += change
        most = max(most, now)
    return most
