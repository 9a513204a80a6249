"""Decides how much longer than its delay a site rests: sites that answer slowly, or not at all, rest longer."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..dataclass import dataclass
from ..errors import FetchError, OutOfFiles
from ..model import Reason, Response
from ..runtime.clock import monotonic
from ..runtime.presence import Presence
from ..standing import SiteView

WEIGHT = 0.25
"""The weight of the newest answer in the average: one slow page among fast ones changes little."""
WHOLE_S = 1.0
"""The delay from which on the whole factor counts. A shorter delay gets the same share of it; without one, nothing
is multiplied: the owner of a site who says `delay_s = 0` means it."""
UP, DOWN = 2.0, 0.8
"""The rest grows by the one after trouble and shrinks by the other after a good answer: one doubling is undone by
three good answers."""
MOST_TIMES = 32.0
"""The most that trouble multiplies a rest by, so that sites with short delays come back soon."""
MOST_SITES = 50_000
"""Sites that are kept. Only slow ones and those in trouble are; the one that changed longest ago is forgotten first."""
OURS_FROM = 5
"""From so many other sites on that gave no answer, one after another and with no answer of any site between, our own
connection is thought to be the cause."""

_OVERLOADED = frozenset({429, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses of servers that have too much to do, or whose gateways cannot reach them. A 500 is not among them: it is
mostly one page's own bug."""
_NO_ANSWER = frozenset({Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.TOO_SLOW, Reason.BAD_RESPONSE})
"""Reasons of exchanges that a site may have broken off because it has too much to do."""
_GONE = frozenset({404, 410})
"""Errors that a healthy site gives. They cost it less than pages, so their time does not count."""


class Adapt(NamedTuple):
    """The terms of adapting."""

    factor: float
    """The rest of a site, as a multiple of the time that it takes to answer."""
    most_s: float
    """The longest rest that a site gets for being slow or in trouble."""

    def share_s(self, least_s: float) -> float:
        """Returns by how much a site rests for each second that it takes to answer."""
        return self.factor * min(least_s / WHOLE_S, 1.0)


class Sign(NamedTuple):
    """The sign that one exchange gives of its site's health."""

    trouble: str = ""
    """The trouble, in a few words; empty: none that a longer rest would help."""
    is_good: bool = False
    """Whether it shows that the site is well. A sign may be neither good nor trouble."""
    answer_s: float | None = None
    """The time until the answer began. None: there was none, or it is not the site's time alone."""
    is_silent: bool = False
    """Whether no answer came at all."""


@dataclass(slots=True)
class Slow:
    """A site that rests longer than its delay."""

    answer_s: float
    """The average time until its answers began; never less than what its delay allows for."""
    times: float = 1.0
    """The factor by which trouble lengthens its rest."""
    since: float = 0.0
    """When `times` grew last. Answers to requests from before say nothing about the longer rest."""
    trouble: str = ""
    """The last trouble."""
    in_a_row: int = 0
    """How often there was trouble with no good answer between."""


class Pace:
    """Keeps the sites that rest longer than their delay. Plain functions; times are monotonic seconds.

    A rest is never less than the least one, and never more than it and `Adapt.most_s`.
    """

    def __init__(
        self,
        presence: Presence | None = None,
        clock: Callable[[], float] = monotonic,
        most_sites: int = MOST_SITES,
    ) -> None:
        self._most_sites = most_sites
        self._clock = clock
        self._presence = presence or Presence()
        self._slow: dict[str, Slow] = {}
        self._silent: set[str] = set()
        """Sites that gave no answer since any site gave one."""

    def __len__(self) -> int:
        return len(self._slow)

    def show(self, view: SiteView, least_s: float, adapt: Adapt | None) -> SiteView:
        """Returns the view of a site with its delay, and how long and why it rests now."""
        rest_s = self.rest_s(view.site, least_s, adapt)
        return view._replace(delay_s=least_s, rest_s=rest_s, slowed_by=self.why(view.site, least_s, adapt))

    def begin(self, site: str, least_s: float, adapt: Adapt | None) -> Exchange:
        """Notes that a request is about to be sent to a site whose delay is `least_s`."""
        return Exchange(self, site, least_s, adapt, self._clock(), self._presence.beat())

    def rest_s(self, site: str, least_s: float, adapt: Adapt | None) -> float:
        """Returns how long a site rests after an answer now, if its delay is `least_s`. Without `adapt`, just that."""
        slow = self._slow.get(site)
        return least_s if slow is None or adapt is None else rest_of(slow, least_s, adapt)

    def why(self, site: str, least_s: float, adapt: Adapt | None) -> str:
        """Returns why a site rests longer than `least_s`, in words; empty: it does not."""
        slow = self._slow.get(site)
        if slow is None or adapt is None or rest_of(slow, least_s, adapt) <= least_s:
            return ""
        words = []
        if slow.times > 1.0 and slow.in_a_row:
            words.append(f"{slow.trouble}, {slow.in_a_row} times in a row" if slow.in_a_row > 1 else slow.trouble)
        elif slow.times > 1.0:
            words.append(f"{slow.trouble} not long ago")
        if adapt.share_s(least_s) * slow.answer_s > least_s:
            words.append(f"answers take {slow.answer_s:.1f} s")
        return "; ".join(words)

    def note(self, exchange: Exchange, sign: Sign) -> float:
        """Takes in what an exchange told; returns how long the site rests after it.

        An exchange during which this process was away tells nothing.
        """
        _, site, least_s, adapt, sent_at, absences = exchange
        if adapt is None or least_s <= 0:
            self._slow.pop(site, None)
            return least_s
        if self._presence.beat() == absences and not self._is_ours(site, sign):
            after = follow(self._slow.pop(site, None), sign, least_s, adapt, sent_at, self._clock())
            if after is not None:
                if len(self._slow) >= self._most_sites:
                    del self._slow[next(iter(self._slow))]
                self._slow[site] = after
        return self.rest_s(site, least_s, adapt)

    def slowest(self, limit: int) -> dict[str, list[float | str]]:
        """Returns up to `limit` sites, those that rest longest, as values that JSON can hold: for `recall`."""
        most = heapq.nlargest(limit, self._slow.items(), key=lambda item: item[1].answer_s * item[1].times)
        return {site: [slow.answer_s, slow.times, slow.trouble, slow.in_a_row] for site, slow in most}

    def recall(self, sites: Mapping[str, object]) -> None:
        """Takes in what `slowest` returned. Values of another shape are left out."""
        for site, values in sites.items():
            match values:
                case [float() | int() as answer_s, float() | int() as times, str() as trouble, int() as in_a_row]:
                    if len(self._slow) < self._most_sites:
                        times = min(max(times, 1.0), MOST_TIMES)
                        self._slow[site] = Slow(max(answer_s, 0.0), times, 0.0, trouble, in_a_row)

    def _is_ours(self, site: str, sign: Sign) -> bool:
        """Whether our own connection seems to be down, since many sites in a row gave no answer."""
        if not sign.is_silent:
            self._silent.clear()
            return False
        if len(self._silent) <= OURS_FROM:
            self._silent.add(site)
        return len(self._silent) > OURS_FROM


class Exchange(NamedTuple):
    """One exchange with a site, from its beginning on."""

    pace: Pace
    site: str
    least_s: float
    adapt: Adapt | None
    sent_at: float
    absences: int
    """How often this process had been away until then."""

    def end(self, response: Response) -> float:
        """Returns how long the site rests after this answer."""
        return self.pace.note(self, read_answer(response))

    def fail(self, error: FetchError) -> float:
        """Returns how long the site rests after the exchange broke off with this error."""
        sign = read_error(error) if error.response is None else read_answer(error.response)
        return self.pace.note(self, sign)


def rest_of(slow: Slow, least_s: float, adapt: Adapt) -> float:
    """Returns how long a slow site rests: at least `least_s`, and beyond that `adapt.most_s` at most."""
    return max(least_s, min(_unhurt_s(slow, least_s, adapt) * slow.times, adapt.most_s))


def follow(before: Slow | None, sign: Sign, least_s: float, adapt: Adapt, sent_at: float, now: float) -> Slow | None:
    """Returns the state of a site after an exchange; None: it rests as long as its delay says.

    A site begins with the longest answer time that its delay allows for, and never has a shorter one. So what it gains
    by fast answers is gone at once when they become slow, and fast errors gain it nothing.
    """
    share_s = adapt.share_s(least_s)
    usual_s = least_s / share_s if share_s else 0.0
    slow = before or Slow(usual_s)
    slow.answer_s = max(slow.answer_s, usual_s)
    if share_s and sign.answer_s is not None:
        newest_s = sign.answer_s if sign.is_good else max(sign.answer_s, slow.answer_s)
        slow.answer_s = max(usual_s, slow.answer_s + WEIGHT * (newest_s - slow.answer_s))
    if sent_at >= slow.since:
        most_times = min(MOST_TIMES, adapt.most_s / _unhurt_s(slow, least_s, adapt))
        _count(slow, sign, now, most_times)
    return slow if slow.times > 1.0 or slow.answer_s > usual_s else None


def _unhurt_s(slow: Slow, least_s: float, adapt: Adapt) -> float:
    """Returns the rest of the site without trouble."""
    return max(least_s, adapt.share_s(least_s) * slow.answer_s)


def _count(slow: Slow, sign: Sign, now: float, most_times: float) -> None:
    if sign.trouble:
        slow.times = max(1.0, min(slow.times * UP, most_times))
        slow.since, slow.trouble, slow.in_a_row = now, sign.trouble, slow.in_a_row + 1
    elif sign.is_good:
        slow.times, slow.in_a_row = max(1.0, slow.times * DOWN), 0


def read_answer(response: Response) -> Sign:
    """Returns what an answer tells about its site.

    Only the wait for its head counts as time: neither our own queues nor the body, which we may slow down ourselves.
    Through a proxy, or a Fetcher of somebody else, the wait is not the site's alone, and does not count.
    """
    status = response.status
    if status in _GONE:
        return Sign(is_good=True)
    answer_s = response.timings.ttfb / 1000 if response.ip else None
    return Sign(f"HTTP {status}" if status in _OVERLOADED else "", status < 400, answer_s)


def read_error(error: FetchError) -> Sign:
    """Returns what a broken exchange tells about its site."""
    if isinstance(error, OutOfFiles) or not error.transient or error.reason not in _NO_ANSWER:
        return Sign()
    return Sign(trouble=error.reason.value, is_silent=True)
