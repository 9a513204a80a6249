"""A site without a network and without waiting: what becomes of its URLs, as its answers change with time."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from crawler.model import Reason, Url
from crawler.parse.evidence import numbers
from crawler.parse.simhash import gist, simhash
from crawler.policy.answers import Answer, Answers, Verdict
from crawler.policy.answers.spread import Wanted
from crawler.policy.politeness import Politeness
from tests.defaults import make_politeness

SITE = "http://a.test"
TOOK_S = 0.2
_TEXT = """
    anchor barge beacon bell berth breeze bridge buoy canvas cargo channel chart cloud coast compass copper crane dawn
    deck dock drift dusk engine ferry fog gale gull harbour hatch heron hull island jetty kelp knot lantern ledge mast
"""
_WORDS = _TEXT.split()
_MASK = (1 << 64) - 1

Site = Callable[[str, float], str]
"""Path and time -> the text of the answer; `-> PLACE` is a redirect."""


def words(of: object, count: int = 40) -> str:
    """A text of its own for everything."""
    return " ".join(random.Random(str(of)).choices(_WORDS, k=count))


def answer_of(row: int, path: str, text: str, began: float, ended: float, *, is_last: bool = False) -> Answer:
    """As the visitor makes it of a page, or of a redirect."""
    url = Url(SITE + path)
    content = hash(text) & _MASK
    if text.startswith("-> ") or not text:
        place, _, query = text.partition("?")
        alike = hash(place) & _MASK if path in query else content
        return Answer(row, url, content, alike, 0, 0, began, ended, is_last=is_last)
    shown = numbers(text.encode(), url.text)
    return Answer(row, url, content, gist(text.encode(), url.text), simhash(text), shown, began, ended, is_last=is_last)


@dataclass
class Outcome:
    """What a crawl of one site came to."""

    content: dict[str, str] = field(default_factory=dict)
    """By path: the text that was taken for its content last."""
    failed: dict[str, str] = field(default_factory=dict)
    reasons: Counter[Reason] = field(default_factory=Counter)
    asked: int = 0
    ended: float = 0.0


@dataclass
class Crawl:
    """Visits of one site, in virtual time. Rows that are to be repeated are visited once more, as the frontier does."""

    site: Site
    politeness: Politeness = field(default_factory=make_politeness)
    answers: Answers = field(default_factory=Answers)
    per_site: int = 1
    took: Callable[[str], float] = lambda path: TOOK_S
    now: float = 0.0
    checked: set[int] = field(default_factory=set)
    """Rows that are asked again only to see what they bring."""

    def run(self, paths: Iterable[str], most: int = 100_000) -> Outcome:
        known = list(paths)
        waiting = [(0.0, row, 1) for row in range(len(known))]  # when it is due, which, its attempt
        ready: list[tuple[int, int]] = []
        out: list[tuple[float, float, int, int]] = []
        told, hold, free = Outcome(), 0.0, [0.0] * self.per_site
        while (waiting or ready or out) and told.asked < most:
            while waiting and waiting[0][0] <= self.now:
                ready_entry = heapq.heappop(waiting)
                heapq.heappush(ready, ready_entry[1:])
            if ready and len(out) < self.per_site and max(hold, free[0]) <= self.now:
                row, attempt = heapq.heappop(ready)
                heapq.heappop(free)
                heapq.heappush(out, (self.now + self.took(known[row]), self.now, row, attempt))
                told.asked += 1
                continue
            if out and out[0][0] <= self.now:
                ended, began, row, attempt = heapq.heappop(out)
                rest_s = self._visited(told, known, waiting, (began, ended, row, attempt))
                heapq.heappush(free, ended + rest_s)
                hold = max(hold, ended + rest_s) if rest_s > self.politeness.delay_s else hold
                continue
            soon = [out[0][0]] if out else []
            soon += [waiting[0][0]] if waiting else []
            soon += [max(hold, free[0])] if ready and len(out) < self.per_site else []
            self.now = max(self.now, min(soon))
        told.ended = self.now
        return told

    def _visited(
        self,
        told: Outcome,
        known: list[str],
        waiting: list[tuple[float, int, int]],
        visit: tuple[float, float, int, int],
    ) -> float:
        began, ended, row, attempt = visit
        path = known[row]
        text = self.site(path, (began + ended) / 2)
        is_last = self.politeness.retry_in_s(attempt) is None
        verdict = self.answers.judge(answer_of(row, path, text, began, ended, is_last=is_last))
        is_check = row in self.checked
        self.checked.discard(row)
        wanted = self.answers.take_wanted() or Wanted()
        if verdict is None and not (is_check and path in told.content):
            told.content[path] = text
        self._ask_again(told, known, waiting, (wanted, ended))
        if verdict is None:
            return self.politeness.delay_s
        told.reasons[verdict.reason] += 1
        backoff_s = self.politeness.backoff_s(verdict.step)
        retry_in_s = self.politeness.return_in_s(attempt, backoff_s)
        if is_check:
            pass
        elif retry_in_s is None or verdict.is_lasting:
            told.failed[path] = text
        else:
            heapq.heappush(waiting, (ended + retry_in_s, row, attempt + 1))
        self._ask_again(told, known, waiting, (verdict, ended))
        return max(self.politeness.delay_s, backoff_s)

    def _ask_again(
        self,
        told: Outcome,
        known: list[str],
        waiting: list[tuple[float, int, int]],
        asked: tuple[Verdict | Wanted, float],
    ) -> None:
        what, now = asked
        for row in what.repeats:
            told.content.pop(known[row], None)
            heapq.heappush(waiting, (now, row, 1))
        for row in what.checks:
            self.checked.add(row)
            heapq.heappush(waiting, (now, row, 1))
