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


@dataclass(slots=True, eq=False)
class Writer:
    """One event loop of a crawl, which writes an audit of its own: what held when it wrote its latest line."""

    file: str
    terms: OwnTerms = field(default_factory=lambda: OwnTerms({}))
    former: tuple[float, OwnTerms] | None = None
    """The terms before, and when they ended."""
    asked: OrderedDict[int, Asked] = field(default_factory=OrderedDict)
    out: dict[int, Begin] = field(default_factory=dict)
    """Its requests under way, by their numbers."""
    brought: dict[str, int] = field(default_factory=dict)
    """By site the number of the last whole answer to a request for its robots.txt."""
    last_at: float = 0.0


class Ended(NamedTuple):
    """The end of a request."""

    writer: Writer
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
    under_way: dict[tuple[str, int], Begin] = field(default_factory=dict)
    """By the file and the number."""
    ended: list[Ended] = field(default_factory=list)
    held_until: float = -math.inf
    held_line: int = 0
    crossing: int = 0
    """How many requests may still have been on their way when the site asked to be left alone."""

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
    """Takes the lines of all audits of a crawl in the order of time.

    What it keeps grows with the sites, not with the requests.
    """

    def __init__(self, bodies: Bodies, site: str = "") -> None:
        """`site`: the only site that is judged; empty: all."""
        self.sites: dict[str, Traffic] = {}
        self.requests: int = 0
        self.runs: int = 0
        self.changes: list[TermsChange] = []
        self.unended: int = 0
        self._bodies = bodies
        self._only = site

    def take(self, said: Terms | Begin | End | Body | Gap, line: int, writer: Writer) -> None:
        match said:
            case Terms():
                self._take_terms(said, line, writer)
            case Begin():
                self._begin(said, line, writer)
            case End():
                self._end(said, line, writer)
            case Body():
                if asked := writer.asked.get(said.number):
                    asked.body = said
            case Gap():
                pass
        writer.last_at = max(writer.last_at, said.at)

    def close_run(self, writer: Writer) -> None:
        """Ends what was under way when a run ended or was killed: at the latest with its last line."""
        for number, begin in writer.out.items():
            if traffic := self.sites.get(begin.site):
                traffic.note_end(
                    Ended(writer, writer.last_at, self._least_s(begin, writer), False), self._slots(begin, writer)
                )
                traffic.under_way.pop((writer.file, number), None)
                traffic.verdict.unended += 1
        self.unended += len(writer.out)
        writer.out.clear()

    # -- terms ---------------------------------------------------------------------------------------------------------

    def _take_terms(self, said: Terms, line: int, writer: Writer) -> None:
        new, old = said.said, writer.terms.said
        changed = {name: (old.get(name), new.get(name)) for name in new if name != "who" and old.get(name) != new[name]}
        if old and changed:
            self._note_change(
                TermsChange(line, iso(said.at), str(new.get("who", "the next run")), changed, writer.file)
            )
        if said.is_new_run:
            self.close_run(writer)
            self.runs += 1
            writer.former = None
            writer.asked.clear()
            writer.brought.clear()
        else:
            writer.former = said.at, writer.terms
        writer.terms = OwnTerms(said.said)
        for traffic in self.sites.values():
            traffic.ended = [
                one._replace(is_same=False, broken_url="") if one.writer is writer else one for one in traffic.ended
            ]

    def _note_change(self, change: TermsChange) -> None:
        """Notes a change of the terms once, though each event loop has it on record."""
        others = [one for one in self.changes if one.file != change.file]
        if not any((one.who, one.changed) == (change.who, change.changed) for one in others):
            self.changes.append(change)

    def _delay_s(self, site: str, at: float, writer: Writer) -> float:
        """Returns the delay that the settings demand, or demanded a moment ago."""
        now = writer.terms.delay_s(site)
        if writer.former and at - writer.former[0] < CHANGE_S:
            return min(now, writer.former[1].delay_s(site))
        return now

    def _least_s(self, begin: Begin, writer: Writer) -> float:
        return begin.least_s if begin.least_s >= 0 else self._delay_s(begin.site, begin.at, writer)

    # -- requests ------------------------------------------------------------------------------------------------------

    def _begin(self, begin: Begin, line: int, writer: Writer) -> None:
        self.requests += 1
        if begin.number in writer.out or begin.at < writer.last_at - 3600:
            self._blame(begin, line, writer, ORDER, "it comes twice, or before earlier ones")
        writer.out[begin.number] = begin
        if begin.purpose.startswith("robots"):
            writer.asked[begin.number] = Asked(begin)
        if self._only and begin.site != self._only:
            return
        traffic = self.sites.get(begin.site)
        if traffic is None:
            traffic = self.sites[begin.site] = Traffic(SiteVerdict(begin.site))
        self._count(traffic, begin)
        if begin.purpose not in EXEMPT:
            self._judge_rest(traffic, begin, line, writer)
        self._judge_robots(traffic, begin, line, writer)
        traffic.under_way[writer.file, begin.number] = begin

    def _count(self, traffic: Traffic, begin: Begin) -> None:
        verdict = traffic.verdict
        verdict.requests += 1
        verdict.first_at = verdict.first_at or begin.at
        verdict.last_at = begin.at
        verdict.purposes[begin.purpose] += 1
        verdict.reasons[begin.why] += 1

    def _judge_rest(self, traffic: Traffic, begin: Begin, line: int, writer: Writer) -> None:
        verdict, least_s = traffic.verdict, self._least_s(begin, writer)
        slots = 1 if begin.why == "crawl-delay" else self._slots(begin, writer)
        is_resent = begin.why == "resend" and traffic.take_broken(begin.url)
        busy = len(traffic.under_way)
        verdict.most_under_way = max(verdict.most_under_way, busy + 1)
        verdict.allowed_under_way = max(verdict.allowed_under_way, slots)
        said_s = self._delay_s(begin.site, begin.at, writer)
        if begin.least_s >= 0 and least_s < said_s - TOLERANCE_S:
            self._blame(begin, line, writer, DELAY, f"its rest was {least_s:g} s, but the settings say {said_s:g} s")
        if busy >= slots:
            self._blame(begin, line, writer, PARALLEL, f"{busy + 1} at a time, but {slots} are allowed")
        elif not is_resent:
            self._judge_gap(traffic, begin, line, writer, slots - busy)
            self._judge_hold(traffic, begin, line, writer)

    def _slots(self, begin: Begin, writer: Writer) -> int:
        now = writer.terms.per_site(begin.site)
        if writer.former and begin.at - writer.former[0] < CHANGE_S:
            return max(now, writer.former[1].per_site(begin.site))
        return now

    def _judge_gap(self, traffic: Traffic, begin: Begin, line: int, writer: Writer, free: int) -> None:
        """Judges the gap to the answer before which all slots were taken: with one slot, to the last answer."""
        if len(traffic.ended) < free:
            return
        last = traffic.ended[-free]
        gap_s, rest_s = begin.at - last.at, last.rest_s
        if (
            free == 1
            and last.is_same
            and last.writer is writer
            and begin.why == "setback"
            and begin.purpose != "single"
        ):
            rest_s = max(rest_s, begin.rest_s)
        verdict = traffic.verdict
        if verdict.least_gap_s is None or gap_s - rest_s < verdict.least_gap_s - verdict.delay_s:
            verdict.least_gap_s, verdict.delay_s = gap_s, rest_s
        if gap_s < rest_s - TOLERANCE_S:
            self._blame(begin, line, writer, GAP, f"{gap_s:.3f} s after an answer, but {rest_s:g} s are due")

    def _judge_hold(self, traffic: Traffic, begin: Begin, line: int, writer: Writer) -> None:
        if begin.at >= traffic.held_until - TOLERANCE_S:
            return
        if traffic.crossing > 0:
            traffic.crossing -= 1
            return
        early_s = traffic.held_until - begin.at
        why = f"{early_s:.3f} s before the time that line {traffic.held_line} asked for"
        self._blame(begin, line, writer, RETRY_AFTER, why)

    def _end(self, end: End, line: int, writer: Writer) -> None:
        begin = writer.out.pop(end.number, None)
        if asked := writer.asked.get(end.number):
            asked.end = end
        if begin is None:
            return
        traffic = self.sites.get(begin.site)
        if traffic is None:
            return
        traffic.under_way.pop((writer.file, end.number), None)
        if begin.purpose in EXEMPT:
            return
        if begin.purpose == "robots" and end.status:
            writer.brought[begin.site] = end.number
        broken_url = "" if end.status else begin.url
        slots = self._slots(begin, writer)
        traffic.note_end(Ended(writer, end.at, self._least_s(begin, writer), True, broken_url), slots)
        if end.retry_after and (held_s := self._held_s(end, writer)):
            traffic.held_until, traffic.held_line = max(traffic.held_until, end.at + held_s), line
            traffic.crossing = max(0, slots - 1)
            traffic.verdict.retry_afters += 1

    def _held_s(self, end: End, writer: Writer) -> float:
        """Returns how long a site asked to be left alone, as far as the settings honour it; 0: not at all."""
        text = end.retry_after.strip()
        most_s = writer.terms.most_s("max_retry_after_s")
        if text.isascii() and text.isdigit():
            return min(float(text[:9]), most_s)
        try:
            at = parsedate_to_datetime(text)
            wait_s = at.timestamp() - end.at - DATE_TOLERANCE_S
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
        return max(0.0, min(wait_s, most_s - DATE_TOLERANCE_S))

    # -- robots.txt ----------------------------------------------------------------------------------------------------

    def _judge_robots(self, traffic: Traffic, begin: Begin, line: int, writer: Writer) -> None:
        if begin.purpose.startswith("robots"):
            return
        if writer.terms.ignores_robots:
            self._blame(begin, line, writer, ROBOTS, "the settings say that robots.txt is ignored")
            return
        number = begin.source or writer.brought.get(begin.site, 0)
        trouble = self._find_trouble(begin, number, writer)
        if trouble:
            self._blame(begin, line, writer, ROBOTS, trouble)
        elif number:
            asked = writer.asked[number]
            traffic.verdict.robots[asked.body.digest if asked.body else f"none (HTTP {_status(asked)})"] += 1

    def _find_trouble(self, begin: Begin, number: int, writer: Writer) -> str:
        """Returns why the robots.txt on record does not allow a request; empty: it does."""
        asked = writer.asked.get(number)
        if asked is None or asked.end is None:
            return "no answer to a request for its robots.txt is on record"
        if (root := _root(asked, writer)) is None or root.begin.site != begin.site:
            return f"request {number} brought no robots.txt of this site"
        status = asked.end.status
        if not status or status == 429 or status >= 500:
            return f"robots.txt was out of reach (request {number}), so nothing is allowed"
        if status >= 300 or not asked.end.size:
            return ""
        if asked.body is None:
            return f"the robots.txt that request {number} brought is not kept"
        group = self._bodies.group(asked.body.digest, asked.body.coding, writer.terms.agent)
        if group is None:
            return f"the kept bytes of robots.txt {asked.body.digest[:16]} are missing or changed"
        found = group.find(begin.path)
        if found and not found.is_allow:
            return f"line {found.number} of its robots.txt forbids it: {found.pattern}"
        asked_s = min(group.delay_s or 0.0, writer.terms.most_s("max_delay_s"))
        if 0 <= begin.least_s < asked_s - TOLERANCE_S:
            return f"its Crawl-delay is {asked_s:g} s, but {begin.least_s:g} s were kept"
        return ""

    def _blame(self, begin: Begin, line: int, writer: Writer, kind: str, why: str) -> None:
        traffic = self.sites.get(begin.site)
        if traffic:
            traffic.verdict.add(Breach(line, kind, begin.url, why, writer.file))


def _root(asked: Asked, writer: Writer) -> Asked | None:
    """Returns the request for the robots.txt that redirects led away from."""
    for _ in range(10):
        if asked.begin.purpose == "robots":
            return asked if asked.begin.path == "/robots.txt" else None
        before = writer.asked.get(asked.begin.source)
        if before is None or before.end is None or not 300 <= before.end.status < 400:
            return None
        asked = before
    return None


def _status(asked: Asked) -> int:
    return asked.end.status if asked.end else 0
