"""A web in made-up time: pages that are visited again by the schedule of revisits, through outages of many kinds.

Its records are made by the real function that outputs use, of outcomes as a crawl makes them.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from crawler import Disposition, Lease, Outcome, Page, Reason, Request, Response, Url, Wants, record

DAY, HOUR = 86400.0, 3600.0
START = 1_790_000_000.0
"""When the made-up time begins."""
WANTS = Wants()

Fault = Callable[[int, float], "tuple[int | None, Reason] | None"]
"""What a page, by its number, answers at a time instead of its content; None: it is well."""


@dataclass
class Site:
    """A site that is crawled each day: one page a second, the longest due first, less often as they do not change."""

    name: str
    pages: int
    days: int
    faults: list[Fault] = field(default_factory=list)
    gone: dict[int, float] = field(default_factory=dict)
    """From when on pages are really gone."""
    most_wait: float = 30 * DAY
    """The longest time from a visit of a page to the next one."""

    def lines(self) -> Iterator[tuple[float, bytes]]:
        """Yields its records with their times, in the order of the visits."""
        due = [(START - n, n, 1, DAY) for n in range(self.pages)]
        heapq.heapify(due)
        for day in range(self.days):
            begun, at = START + day * DAY, START + day * DAY
            while due and due[0][0] <= begun:
                _, n, visit, wait = heapq.heappop(due)
                yield at, self.line(n, at, visit, self.answer(n, at))
                wait = min(self.most_wait, 2 * wait if visit > 1 else wait)
                heapq.heappush(due, (at + wait - HOUR, n, visit + 1, wait))
                at += 1.0

    def answer(self, n: int, at: float) -> tuple[int | None, Reason] | None:
        found = next((found for fault in self.faults if (found := fault(n, at))), None)
        if found is None and n in self.gone and at >= self.gone[n]:
            return 404, Reason.STATUS_4XX
        return found

    def line(self, n: int, at: float, visit: int, trouble: tuple[int | None, Reason] | None) -> bytes:
        url = Url(f"https://{self.name}/{n}")
        lease = Lease(Request(url, visit=visit), 0)
        if trouble is None:
            page = Page(sha256(url.text.encode()).digest(), 100)
            kind = Disposition.FETCHED if visit == 1 else Disposition.UNCHANGED
            response = Response(url, 200, (), started_at=at)
            return record(Outcome(lease, kind, response=response, page=page, visited_at=at), WANTS)
        status, reason = trouble
        refused = Response(url, status, (), started_at=at) if status else None
        return record(Outcome(lease, Disposition.FAILED, reason, response=refused, visited_at=at), WANTS)


def during(begin: float, days: float, fault: Fault) -> Fault:
    """An outage that begins after so many days and lasts so long."""
    since, until = START + begin * DAY, START + (begin + days) * DAY
    return lambda n, at: fault(n, at) if since <= at < until else None


def all_pages(status: int | None, reason: Reason) -> Fault:
    return lambda n, at: (status, reason)


def all_but_home(status: int) -> Fault:
    return lambda n, at: (status, Reason.STATUS_4XX) if n else None


def a_part(share: float, status: int, seed: int) -> Fault:
    """A part of the site, the same all the time: one of its servers."""
    return lambda n, at: (status, Reason.STATUS_4XX) if random.Random(f"{seed} {n}").random() < share else None


def now_and_then(share: float, status: int, seed: int) -> Fault:
    """Any page at any time, by chance."""
    return lambda n, at: (status, Reason.STATUS_4XX) if random.Random(f"{seed} {n} {at}").random() < share else None


def in_turns(*faults: Fault) -> Fault:
    """Another fault each hour."""
    return lambda n, at: faults[int(at // 3600) % len(faults)](n, at)


def at_first(seconds: float, fault: Fault) -> Fault:
    """The first seconds of each day's crawl, always the same pages."""
    return lambda n, at: fault(n, at) if (at - START) % DAY < seconds else None
