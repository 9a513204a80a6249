"""Judges, request by request, whether a crawl kept to robots.txt, to its rests and to its requests at a time."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ..runtime.times import iso
from .bodies import Bodies
from .lines import Begin, Body, End, Gap, Terms
from .own_terms import OwnTerms
from .verdicts import Breach, SiteVerdict, TermsChange

TOLERANCE_S = 0.002
"""Times have microseconds, and rests six digits."""
DATE_TOLERANCE_S = 1.5
"""A Retry-After that is a date has whole seconds, and is read a moment later."""
CHANGE_S = 120.0
"""A request whose grounds were found before a change of the terms may leave so long after it."""
MOST_BROKEN = 8
"""Attempts that broke and may be made once more at the same time."""
EXEMPT = ("robots-redirect",)
"""Purposes that need not wait for the turn of the site that they lead to (RFC 9309 2.3.1.2)."""
PARALLEL, GAP, RETRY_AFTER, DELAY, ROBOTS, ORDER = "parallel", "gap", "retry-after", "delay", "robots", "order"


@dataclass(slots=True)
class Asked:
    """A request for a robots.txt, or the target of its redirect."""

    begin: Begin
    end: End | None = None
    body: Body | None = None


class Ended(NamedTuple):
    """The end of a request."""

    at: float
    rest_s: float
    """The rest that is due after it."""
    is_same: bool
    """Whether it was under the terms of now, in this run."""
    broken_url: str = ""
    """Its URL, if no whole answer came."""


@dataclass(slots=True)
class Traffic:
    """The recent requests of one site."""

    verdict: SiteVerdict
    under_way: dict[int, Begin] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    held_until: float = -math.inf
    held_line: int = 0
    crossing: int = 0
    """How many requests may still have been on their way when the site asked to be left alone."""
    asked: int = 0
    """The number of the last whole answer to a request for its robots.txt."""

    def note_end(self, ended: Ended, slots: int) -> None:
        """Notes that a request ended. Ends come in order; those of all slots are kept, and some more."""
        self.ended.append(ended)
        del self.ended[: -slots - MOST_BROKEN]

    def take_broken(self, url: str) -> bool:
        """Forgets the end of an attempt that broke, for it is made once more in its place; False: there was none."""
        for place in range(len(self.ended) - 1, -1, -1):
            if self.ended[place].broken_url == url:
                del self.ended[place]
                return True
        return False


class Judge:
    """Takes the lines of an audit in order. What it keeps grows with the sites, not with the requests."""

    def __init__(self, bodies: Bodies, site: str = "") -> None:
        """`site`: the only site that is judged; empty: all."""
        self.sites: dict[str, Traffic] = {}
        self.requests: int = 0
        self.runs: int = 0
        self.changes: list[TermsChange] = []
        self.unended: int = 0
        self.first_at: float = 0.0
        self.last_at: float = 0.0
        self.terms: OwnTerms = OwnTerms({})
        self._bodies = bodies
        self._only = site
        self._former: tuple[float, OwnTerms] | None = None
        self._asked: OrderedDict[int, Asked] = OrderedDict()
        self._out: dict[int, Begin] = {}

    def take(self, said: Terms | Begin | End | Body | Gap, line: int) -> None:
        match said:
            case Terms():
                self._take_terms(said, line)
            case Begin():
                self._begin(said, line)
            case End():
                self._end(said, line)
            case Body():
                if asked := self._asked.get(said.number):
                    asked.body = said
            case Gap():
                pass
        self.last_at = max(self.last_at, said.at)
        self.first_at = self.first_at or said.at

    def finish(self) -> None:
        """Ends the audit: what has no end now was under way when the crawl was killed, or is so now."""
        self._close_run()

    # -- terms ---------------------------------------------------------------------------------------------------------

    def _take_terms(self, said: Terms, line: int) -> None:
        new, old = said.said, self.terms.said
        changed = {name: (old.get(name), new.get(name)) for name in new if name != "who" and old.get(name) != new[name]}
        if old and changed:
            self.changes.append(TermsChange(line, iso(said.at), str(new.get("who", "the next run")), changed))
        if said.is_new_run:
            self._close_run()
            self.runs += 1
            self._former = None
            self._asked.clear()
        else:
            self._former = said.at, self.terms
        self.terms = OwnTerms(said.said)
        for traffic in self.sites.values():
            traffic.ended = [one._replace(is_same=False, broken_url="") for one in traffic.ended]
            traffic.asked = 0 if said.is_new_run else traffic.asked

    def _close_run(self) -> None:
        """Ends what was under way when a run was killed: at the latest with its last line."""
        for begin in self._out.values():
            if traffic := self.sites.get(begin.site):
                traffic.note_end(Ended(self.last_at, self._least_s(begin), False), self._slots(begin))
                traffic.under_way.clear()
                traffic.verdict.unended += 1
        self.unended += len(self._out)
        self._out.clear()

    def _delay_s(self, site: str, at: float) -> float:
        """Returns the delay that the settings demand, or demanded a moment ago."""
        now = self.terms.delay_s(site)
        if self._former and at - self._former[0] < CHANGE_S:
            return min(now, self._former[1].delay_s(site))
        return now

    def _least_s(self, begin: Begin) -> float:
        return begin.least_s if begin.least_s >= 0 else self._delay_s(begin.site, begin.at)

    # -- requests ------------------------------------------------------------------------------------------------------

    def _begin(self, begin: Begin, line: int) -> None:
        self.requests += 1
        if begin.number in self._out or begin.at < self.last_at - 3600:
            self._blame(begin, line, ORDER, "it comes twice, or before earlier ones")
        self._out[begin.number] = begin
        if begin.purpose.startswith("robots"):
            self._asked[begin.number] = Asked(begin)
        if self._only and begin.site != self._only:
            return
        traffic = self.sites.get(begin.site)
        if traffic is None:
            traffic = self.sites[begin.site] = Traffic(SiteVerdict(begin.site))
        self._count(traffic, begin)
        if begin.purpose not in EXEMPT:
            self._judge_rest(traffic, begin, line)
        self._judge_robots(traffic, begin, line)
        traffic.under_way[begin.number] = begin

    def _count(self, traffic: Traffic, begin: Begin) -> None:
        verdict = traffic.verdict
        verdict.requests += 1
        verdict.first_at = verdict.first_at or begin.at
        verdict.last_at = begin.at
        verdict.purposes[begin.purpose] += 1
        verdict.reasons[begin.why] += 1

    def _judge_rest(self, traffic: Traffic, begin: Begin, line: int) -> None:
        verdict, least_s = traffic.verdict, self._least_s(begin)
        slots = 1 if begin.why == "crawl-delay" else self._slots(begin)
        is_resent = begin.why == "resend" and traffic.take_broken(begin.url)
        busy = len(traffic.under_way)
        verdict.most_under_way = max(verdict.most_under_way, busy + 1)
        verdict.allowed_under_way = max(verdict.allowed_under_way, slots)
        if begin.least_s >= 0 and least_s < self._delay_s(begin.site, begin.at) - TOLERANCE_S:
            said_s = self._delay_s(begin.site, begin.at)
            self._blame(begin, line, DELAY, f"its rest was {least_s:g} s, but the settings say {said_s:g} s")
        if busy >= slots:
            self._blame(begin, line, PARALLEL, f"{busy + 1} at a time, but {slots} are allowed")
        elif not is_resent:
            self._judge_gap(traffic, begin, line, slots - busy)
            self._judge_hold(traffic, begin, line, slots)

    def _slots(self, begin: Begin) -> int:
        now = self.terms.per_site(begin.site)
        if self._former and begin.at - self._former[0] < CHANGE_S:
            return max(now, self._former[1].per_site(begin.site))
        return now

    def _judge_gap(self, traffic: Traffic, begin: Begin, line: int, free: int) -> None:
        """Judges the gap to the answer before which all slots were taken: with one slot, to the last answer."""
        if len(traffic.ended) < free:
            return
        at, rest_s, is_same, _ = traffic.ended[-free]
        gap_s = begin.at - at
        if free == 1 and is_same and begin.why == "setback" and begin.purpose != "single":
            rest_s = max(rest_s, begin.rest_s)
        verdict = traffic.verdict
        if verdict.least_gap_s is None or gap_s - rest_s < verdict.least_gap_s - verdict.delay_s:
            verdict.least_gap_s, verdict.delay_s = gap_s, rest_s
        if gap_s < rest_s - TOLERANCE_S:
            self._blame(begin, line, GAP, f"{gap_s:.3f} s after an answer, but {rest_s:g} s are due")

    def _judge_hold(self, traffic: Traffic, begin: Begin, line: int, slots: int) -> None:
        if begin.at >= traffic.held_until - TOLERANCE_S:
            return
        if traffic.crossing > 0:
            traffic.crossing -= 1
            return
        early_s = traffic.held_until - begin.at
        why = f"{early_s:.3f} s before the time that line {traffic.held_line} asked for"
        self._blame(begin, line, RETRY_AFTER, why)

    def _end(self, end: End, line: int) -> None:
        begin = self._out.pop(end.number, None)
        if asked := self._asked.get(end.number):
            asked.end = end
        if begin is None:
            return
        traffic = self.sites.get(begin.site)
        if traffic is None:
            return
        traffic.under_way.pop(end.number, None)
        if begin.purpose in EXEMPT:
            return
        if begin.purpose == "robots" and end.status:
            traffic.asked = end.number
        broken_url = "" if end.status else begin.url
        traffic.note_end(Ended(end.at, self._least_s(begin), True, broken_url), self._slots(begin))
        if end.retry_after and (held_s := self._held_s(end)):
            traffic.held_until, traffic.held_line = max(traffic.held_until, end.at + held_s), line
            traffic.crossing = max(0, self._slots(begin) - 1)
            traffic.verdict.retry_afters += 1

    def _held_s(self, end: End) -> float:
        """Returns how long a site asked to be left alone, as far as the settings honour it; 0: not at all."""
        text = end.retry_after.strip()
        most_s = self.terms.most_s("max_retry_after_s")
        if text.isascii() and text.isdigit():
            return min(float(text[:9]), most_s)
        try:
            at = parsedate_to_datetime(text)
            wait_s = at.timestamp() - end.at - DATE_TOLERANCE_S
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
        return max(0.0, min(wait_s, most_s - DATE_TOLERANCE_S))

    # -- robots.txt ----------------------------------------------------------------------------------------------------

    def _judge_robots(self, traffic: Traffic, begin: Begin, line: int) -> None:
        if begin.purpose.startswith("robots"):
            return
        if self.terms.ignores_robots:
            self._blame(begin, line, ROBOTS, "the settings say that robots.txt is ignored")
            return
        number = begin.source or traffic.asked
        trouble = self._find_trouble(begin, number)
        if trouble:
            self._blame(begin, line, ROBOTS, trouble)
        elif number:
            asked = self._asked[number]
            traffic.verdict.robots[asked.body.digest if asked.body else f"none (HTTP {_status(asked)})"] += 1

    def _find_trouble(self, begin: Begin, number: int) -> str:
        """Returns why the robots.txt on record does not allow a request; empty: it does."""
        asked = self._asked.get(number)
        if asked is None or asked.end is None:
            return "no answer to a request for its robots.txt is on record"
        if (root := self._root(asked)) is None or root.begin.site != begin.site:
            return f"request {number} brought no robots.txt of this site"
        status = asked.end.status
        if not status or status == 429 or status >= 500:
            return f"robots.txt was out of reach (request {number}), so nothing is allowed"
        if status >= 300 or not asked.end.size:
            return ""
        if asked.body is None:
            return f"the robots.txt that request {number} brought is not kept"
        group = self._bodies.group(asked.body.digest, asked.body.coding, self.terms.agent)
        if group is None:
            return f"the kept bytes of robots.txt {asked.body.digest[:16]} are missing or changed"
        found = group.find(begin.path)
        if found and not found.is_allow:
            return f"line {found.number} of its robots.txt forbids it: {found.pattern}"
        asked_s = min(group.delay_s or 0.0, self.terms.most_s("max_delay_s"))
        if 0 <= begin.least_s < asked_s - TOLERANCE_S:
            return f"its Crawl-delay is {asked_s:g} s, but {begin.least_s:g} s were kept"
        return ""

    def _root(self, asked: Asked) -> Asked | None:
        """Returns the request for the robots.txt that redirects led away from."""
        for _ in range(10):
            if asked.begin.purpose == "robots":
                return asked if asked.begin.path == "/robots.txt" else None
            before = self._asked.get(asked.begin.source)
            if before is None or before.end is None or not 300 <= before.end.status < 400:
                return None
            asked = before
        return None

    def _blame(self, begin: Begin, line: int, kind: str, why: str) -> None:
        traffic = self.sites.get(begin.site)
        if traffic:
            traffic.verdict.add(Breach(line, kind, begin.url, why))


def _status(asked: Asked) -> int:
    return asked.end.status if asked.end else 0
