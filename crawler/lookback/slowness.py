"""Says what bound the speed of a crawl over time, and what each change would have gained, from what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import FolderError
from ..folder.folder import Folder, translate_os_errors
from ..metrics.bounds import ADVICE, Bound
from ..metrics.course import Step, read_course
from ..offload import count_cores
from ..proof.history import HistoryEvent, read_history
from ..runtime.times import iso

ROWS = 12
"""Stretches of time that are told."""
LEAST = 0.02
"""Shares of the time below this are no reason to change anything."""
_TWICE = {
    Bound.PER_IP: ("politeness.per_ip", "per_ip"),
    Bound.CONCURRENCY: ("fetch.concurrency", "concurrency"),
}  # fmt: skip
"""Bounds that a setting twice as large would halve at best, and the name of that setting in the steps."""


class Stretch(NamedTuple):
    """A part of the time of a crawl, and its bounds."""

    begin: str
    """When it began."""
    seconds: float
    """How long it was."""
    shares: Mapping[str, float]
    """Shares of its time, from 0 to 1, by bound; the largest first."""
    pages_per_s: float
    """Pages fetched in it, a second."""

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        shares = {name: round(share, 4) for name, share in self.shares.items()}
        return {
            "begin": self.begin,
            "seconds": self.seconds,
            "shares": shares,
            "pages_per_s": round(self.pages_per_s, 2),
        }


class Gain(NamedTuple):
    """A change of a setting, and how much less time the crawl would have taken with it, at best."""

    bound: str
    """The bound that it would move, in a word of the panel."""
    setting: str
    """The name of the setting."""
    now: float
    """Its value at the end."""
    then: float
    """The value that is proposed."""
    share: float
    """The part of the time that it would save at most, from 0 to 1: another bound may take over before."""

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return {**self._asdict(), "share": round(self.share, 4)}


@dataclass(frozen=True, slots=True)
class Slowness:
    """The bounds of a crawl's speed, as they were measured."""

    seconds: float
    """Seconds of crawling, over all runs."""
    pages: int
    """Pages fetched in them."""
    shares: Mapping[str, float]
    """Shares of the time by bound; the largest first."""
    stretches: Sequence[Stretch]
    """The parts of its time, in order."""
    gains: Sequence[Gain]
    """The largest first."""
    fixed: Mapping[str, str]
    """Bounds that no setting changes, with the reason."""
    changes: Sequence[HistoryEvent]
    """Live changes of settings meanwhile."""
    visit_s: float
    """How long a visit took on average."""

    def record(self) -> dict[str, object]:
        """Returns it as a JSON object; docs/proof.md describes its fields."""
        return {
            "v": 1, "seconds": round(self.seconds, 1), "pages": self.pages, "visit_s": round(self.visit_s, 4),
            "shares": {name: round(share, 4) for name, share in self.shares.items()},
            "stretches": [one.record() for one in self.stretches], "gains": [one.record() for one in self.gains],
            "fixed": dict(self.fixed), "changes": [one.record() for one in self.changes],
        }  # fmt: skip


def explain_slowness(folder: Folder) -> Slowness:
    """Reads what was measured in the runs of a folder, also while one goes on. Blocks. Raises FolderError."""
    with translate_os_errors(folder.path):
        steps = list(read_course(folder.path))
        changes = [one for one in read_history(folder.path) if one.event == "change"]
    if not steps:
        raise FolderError(f"{folder.path} holds no measurements yet: a run of a second or more writes some")
    seconds = sum(step.seconds for step in steps)
    visits = sum(step.visits for step in steps)
    visit_s = sum(step.in_flight * step.seconds for step in steps) / visits if visits else 0.0
    shares = _shares(steps)
    return Slowness(
        seconds, sum(step.pages for step in steps), shares, list(_stretches(steps, seconds)),
        sorted(_gains(steps, seconds, visit_s), key=lambda one: -one.share), dict(_fixed(shares)), changes, visit_s,
    )  # fmt: skip


def _shares(steps: Iterable[Step]) -> dict[str, float]:
    spent: Counter[str] = Counter()
    for step in steps:
        spent.update(step.bounds)
    total = spent.total() or 1.0
    return {name: n / total for name, n in spent.most_common()}


def _stretches(steps: Sequence[Step], seconds: float) -> Iterator[Stretch]:
    """Yields up to ROWS stretches of about the same length."""
    row: list[Step] = []
    for number, step in enumerate(steps, 1):
        row.append(step)
        spent = sum(one.seconds for one in row)
        if spent >= seconds / ROWS or number == len(steps):
            pages = sum(one.pages for one in row)
            yield Stretch(
                iso(row[0].at - row[0].seconds), round(spent, 2), _shares(row), pages / spent if spent else 0.0
            )
            row = []


def _gains(steps: Sequence[Step], seconds: float, visit_s: float) -> Iterator[Gain]:
    """Yields what changes would gain. Each stretch is judged by the settings that were in force in it."""
    now = steps[-1].terms
    delay_s = now.get("delay_s", 0.0)
    rested_s = sum(step.bounds.get(Bound.POLITENESS, 0.0) for step in steps)
    if delay_s > 0 and rested_s > LEAST * seconds:
        saved_s = sum(step.bounds.get(Bound.POLITENESS, 0.0) * _of_half(step, visit_s) for step in steps)
        yield Gain(Bound.POLITENESS, "politeness.delay_s", delay_s, delay_s / 2, saved_s / seconds)
    held_s = rested_s + sum(step.bounds.get(Bound.PER_SITE, 0.0) for step in steps)
    if held_s > LEAST * seconds:
        per_site = now.get("per_site", 1.0)
        yield Gain(Bound.PER_SITE, "politeness.per_site", per_site, per_site * 2, held_s / seconds / 2)
    for bound, (setting, term) in _TWICE.items():
        spent_s = sum(step.bounds.get(bound, 0.0) for step in steps)
        if spent_s > LEAST * seconds and term in now:
            yield Gain(bound, setting, now[term], now[term] * 2, spent_s / seconds / 2)
    workers, parsed_s = now.get("workers", 0.0), sum(step.bounds.get(Bound.PARSING, 0.0) for step in steps)
    if parsed_s > LEAST * seconds and 0 < workers < count_cores():
        more = float(count_cores())
        yield Gain(Bound.PARSING, "offload.workers", workers, more, parsed_s / seconds * (1 - workers / more))


def _of_half(step: Step, visit_s: float) -> float:
    """Returns the part of a time of resting that half the delay would save: a turn is a visit and a rest."""
    delay_s = step.terms.get("delay_s", 0.0)
    return (delay_s / 2) / (delay_s + visit_s) if delay_s > 0 else 0.0


def _fixed(shares: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yields the bounds that no setting of the crawl changes, with what is known to help."""
    changeable = {Bound.POLITENESS, Bound.PER_SITE, Bound.IDLE, *_TWICE}
    for name, share in shares.items():
        if share >= LEAST and name in set(Bound) and name not in changeable:
            yield name, ADVICE[Bound(name)]
