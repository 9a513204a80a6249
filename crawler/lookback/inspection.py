"""Counts what a crawl folder holds: how its visits ended, where its pages lie, and what bound its speed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import orjson

from ..assembly.site_facts import find_site_facts
from ..export.source import Tell, read_source, tell_nobody
from ..folder.folder import Folder, translate_os_errors
from ..metrics.bounds import Bound
from ..offload import count_cores
from ..records import Record
from ..reports import Groups, Report, Tally, make_report, without_heavy_fields
from ..runtime.counting import many
from .harvest import Harvest, Stretch

VERSION = 1
"""Version of the JSON object. Under the same number no field is renamed or changes its meaning."""
SHOWN_ORIGINALS = 20
MOST_ORIGINALS = 1000
MOST_TRACES = 20
_TRACE = b'"trace":{"function":'
PAUSE_S = 300.0
"""Seconds without the end of a visit that count as a pause between two runs."""
ENOUGH = 0.7
"""The part of its time that something must have taken to be called the bound of a crawl."""


class DepthCount(NamedTuple):
    """The records at one depth."""

    depth: int
    """Hops from the seed."""
    n: int
    """How many records have it."""


class OriginalCount(NamedTuple):
    """A page whose content other URLs brought, too."""

    url: str
    """The URL that brought it first."""
    n: int
    """How many records are duplicates of it."""
    is_at_least: bool
    """Whether there may be more, so that the number is a lower bound."""


class TraceOfFunction(NamedTuple):
    """The first failure of a parse function that the records tell."""

    function: str
    url: str
    """The page at which it failed."""
    text: str
    """The traceback."""


class Limit(NamedTuple):
    """The bound of a crawl's speed, judged from its records."""

    bound: Bound
    """A word of the panel."""
    share: float
    """The part of its time that this took, from 0 to 1."""
    why: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The contents of a crawl folder, counted."""

    report: Report
    """Its records by outcome, status, type, site and error, with the slowest and largest pages."""
    depths: Sequence[DepthCount]
    """The records by depth, from the seeds on."""
    duplicates: int
    """Records whose content another URL had brought before."""
    originals: Sequence[OriginalCount]
    """The 20 pages with most duplicates."""
    revisits: int
    """Records of a second or later visit."""
    active_s: float
    """Seconds in which visits ended, without the pauses between runs."""
    stages: Mapping[str, float]
    """Seconds that all visits together spent in each stage: `queue`, `dns`, `connect`, `ttfb`, `download`, `parse`."""
    limit: Limit | None
    """The bound of its speed; None: its records do not tell."""
    harvest: Sequence[Stretch] = ()
    """Stretches of equal numbers of pages, in the order of their visits, with how many were what the crawl's focus
    sought. Empty: it had none."""
    traces: Sequence[TraceOfFunction] = ()
    """The first traceback of each parse function of the user that failed."""
    v: int = VERSION
    """The version of this object."""

    def record(self) -> dict[str, object]:
        """Returns it as a JSON object; docs/looking-back.md describes its fields."""
        return {
            "v": self.v,
            "report": self.report.record(),
            "depths": [one._asdict() for one in self.depths],
            "duplicates": self.duplicates,
            "originals": [one._asdict() for one in self.originals],
            "revisits": self.revisits,
            "active_s": round(self.active_s, 1),
            "stages": {name: round(seconds, 1) for name, seconds in self.stages.items()},
            "limit": self.limit and self.limit._asdict(),
            "harvest": [one._asdict() for one in self.harvest],
            "traces": [one._asdict() for one in self.traces],
        }


def inspect_folder(folder: Folder, *, tell: Tell = tell_nobody) -> Inspection:
    """Counts the settled records of a folder, while a crawl runs in it, too; a million take about 20 seconds. Blocks.

    `tell` is told how many bytes of how many are read. Raises FolderError, FrontierError.
    """
    counted = _Counted()
    with translate_os_errors(folder.path):
        for line in read_source(folder, tell).lines():
            counted.add_line(line)
    return counted.inspection(folder)


@dataclass(slots=True)
class _Copies:
    """The duplicates of one page."""

    n: int = 0
    is_at_least: bool = False

    def merge(self, other: object) -> None:
        assert isinstance(other, _Copies)
        self.n += other.n


@dataclass(slots=True)
class _Counted:
    """Sums over records, in bounded memory."""

    tally: Tally = field(default_factory=Tally)
    depths: Counter[int] = field(default_factory=Counter)
    copies: Groups[_Copies] = field(default_factory=lambda: Groups(MOST_ORIGINALS, _Copies))
    duplicates: int = 0
    revisits: int = 0
    active_s: float = 0.0
    stages: Counter[str] = field(default_factory=Counter)
    harvest: Harvest = field(default_factory=Harvest)
    traces: dict[str, TraceOfFunction] = field(default_factory=dict)
    in_flight_s: float = 0.0
    """Seconds that all visits took together."""
    _latest: float = 0.0

    def add_line(self, line: bytes) -> None:
        try:
            record = orjson.loads(without_heavy_fields(line))
        except orjson.JSONDecodeError:
            self.tally.unreadable += 1
            return
        self.harvest.add_line(line)
        if _TRACE in line and len(self.traces) < MOST_TRACES:
            self._note_trace(line)
        known = self.tally.n
        self.tally.add(record)
        if self.tally.n > known:  # it is a record
            self._add(record)

    def _note_trace(self, line: bytes) -> None:
        record = orjson.loads(line)
        said = record.get("trace")
        if isinstance(said, dict) and isinstance(function := said.get("function"), str):
            self.traces.setdefault(function, TraceOfFunction(function, str(record["url"]), str(said.get("text"))))

    def _add(self, record: Record) -> None:
        self.depths[int(record.get("depth") or 0)] += 1
        self.revisits += (record.get("visit") or 1) > 1
        if original := record.get("duplicate_of"):
            self.duplicates += 1
            self.copies.at(str(original)).n += 1
        elapsed_s = (record.get("elapsed_ms") or 0.0) / 1000
        self.in_flight_s += elapsed_s
        for stage, ms in (record["timings"] or {}).items():
            self.stages[stage] += ms
        self._advance(datetime.fromisoformat(record["fetched_at"]).timestamp() + elapsed_s)

    def _advance(self, ended: float) -> None:
        """Counts the time since the visit that ended before this one, unless it was a pause."""
        if self._latest and 0.0 < ended - self._latest < PAUSE_S:
            self.active_s += ended - self._latest
        self._latest = max(self._latest, ended)

    def inspection(self, folder: Folder) -> Inspection:
        report = make_report(self.tally, time.time(), 1.0)
        copies = self.copies.largest()[:SHOWN_ORIGINALS]
        return Inspection(
            report,
            [DepthCount(depth, n) for depth, n in sorted(self.depths.items())],
            self.duplicates,
            [OriginalCount(url, one.n, one.is_at_least) for url, one in copies],
            self.revisits,
            self.active_s,
            {name: ms / 1000 for name, ms in self.stages.items()},
            self._limit(folder),
            self.harvest.stretches(),
            list(self.traces.values()),
        )

    def _limit(self, folder: Folder) -> Limit | None:
        """Returns the largest share of the time that one thing took alone; None: none took most of it."""
        if self.active_s < 1.0:
            return None
        limits = [*self._site_limits(folder), self._concurrency_limit(folder), self._parsing_limit()]
        most = max(limits, key=lambda limit: limit.share)
        return most._replace(share=round(min(1.0, most.share), 2)) if most.share >= ENOUGH else None

    def _site_limits(self, folder: Folder) -> list[Limit]:
        """Returns how much of the time the busiest site explains: by its rests, and by its answers."""
        busiest = max(self.tally.sites, key=lambda site: site[1].times.n, default=None)
        if busiest is None:
            return []
        site, its = busiest
        facts = find_site_facts(folder.config)
        at_once = facts.per_site_at(site, None)
        rest_s = facts.politeness.rest_s(site, None)
        rested, answered = its.times.n * rest_s / at_once, its.times.total_ms / 1000 / at_once
        share = (rested + answered) / self.active_s
        requests = many(its.times.n, "request")
        if rested >= answered:
            return [Limit(Bound.POLITENESS, share, f"{site} rests {rest_s:g} s after each of {requests}")]
        return [Limit(Bound.PER_SITE, share, f"{site} answers {at_once} at a time, {requests} in all")]

    def _concurrency_limit(self, folder: Folder) -> Limit:
        most = folder.config.fetch.concurrency
        mean = self.in_flight_s / self.active_s
        return Limit(Bound.CONCURRENCY, mean / most, f"{mean:.0f} of at most {most} visits were under way")

    def _parsing_limit(self) -> Limit:
        cores, busy = count_cores(), self.stages["parse"] / 1000 / self.active_s
        return Limit(Bound.PARSING, busy / cores, f"parsing kept {busy:.1f} of {cores} cores busy")
