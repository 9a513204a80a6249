"""What the server saw: each request with its times, and the questions a test asks about them.

Politeness is judged here, from the server's side. An answer counts as ended just before its last bytes are handed to
the connection, which is never later than the client gets them: a gap measured here is never shorter than the client's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

ROBOTS_PATH = "/robots.txt"


@dataclass(slots=True)
class Hit:
    """One request as the server saw it. Times are `time.monotonic()` seconds."""

    host: str  # the site's name in the description
    url: str  # as asked for, with the Host header's authority
    target: str  # path and query
    method: str
    head: bytes  # request line and headers, raw
    client: tuple[str, int]  # address and port of the other end: one connection, one pair
    visit: int  # 1 the first time this URL was asked for
    concurrency: int  # requests in hand on this site when this one came, itself included
    began: float
    ended: float | None = None
    status: int | None = None  # what was answered; None where that was no HTTP
    complete: bool = False  # False: the other end left, or the page broke the connection off

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers by lower-case name; the last of a name wins."""
        return parsed_headers(self.head)


class HitLog:
    """All hits of a server in order of arrival."""

    def __init__(self, host_of: Callable[[str], str]) -> None:
        """`host_of` turns whatever names a site (name, host:port, URL) into its name."""
        self.hits: list[Hit] = []
        self._host_of = host_of

    def counts(self, *, robots: bool = True) -> Counter[str]:
        """How often each URL was asked for."""
        return Counter(hit.url for hit in self.hits if robots or hit.path != ROBOTS_PATH)

    def of(self, host: str, *, robots: bool = True) -> list[Hit]:
        """The hits of one site, in order of arrival; without those on robots.txt if so wanted."""
        name = self._host_of(host)
        return [hit for hit in self.hits if hit.host == name and (robots or hit.path != ROBOTS_PATH)]

    def worst_concurrency(self, host: str | None = None) -> int:
        """The most requests one site (or any site) ever had in hand at once; robots.txt counts."""
        hits = self.hits if host is None else self.of(host)
        return max((hit.concurrency for hit in hits), default=0)

    def peak(self) -> int:
        """The most requests the whole server ever had in hand at once."""
        return _peak(self.hits)

    def gaps(self, host: str, *, robots: bool = False) -> list[float]:
        """Seconds between the successive arrivals on a site."""
        return [later.began - earlier.began for earlier, later in pairwise(self.of(host, robots=robots))]

    def pauses(self, host: str, *, robots: bool = False) -> list[float]:
        """Seconds from the end of each answer to the next arrival on a site; negative if they overlapped."""
        pairs = pairwise(self.of(host, robots=robots))
        return [later.began - earlier.ended for earlier, later in pairs if earlier.ended is not None]


def parsed_headers(head: bytes) -> dict[str, str]:
    """The headers of a raw request head by lower-case name."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _peak(hits: Iterable[Hit]) -> int:
    """Ends sort before beginnings at the same instant: those two did not overlap."""
    turns = sorted(turn for hit in hits for turn in ((hit.began, 1), (hit.ended or float("inf"), -1)))
    most = now = 0
    for _, change in turns:
        now += change
        most = max(most, now)
    return most
