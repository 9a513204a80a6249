"""Counts outcomes and times of a crawl, and finds out what limits it now."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Any, TypeVar

from ..dataclass import dataclass
from ..forecast import Eta
from ..model import Disposition, LeftOut, Outcome, Reason
from ..runtime.clock import monotonic
from ..seeds import SkippedSeeds
from ..standing import Counts, Progress, SiteView, Trap, WorkCost
from .bounds import ADVICE, Bound
from .field_counts import FieldCount, note_fields
from .gauges import Gauges, bound_by
from .latency import Latency, Stages
from .parse_failures import ParseFailures
from .rates import RECENT_S, Mark, Rates, RecentMarks
from .troubles import Blocked, Failures, Hindrance

Key = TypeVar("Key", bound=tuple[str, ...])

MAX_FAILURES = 10_000
"""Most pairs of site and reason that are kept, each with an example. Later pairs are only counted by reason."""
SAMPLE_S = 0.25
"""Seconds between two samples of the engine."""
SAMPLE_SKIPPED_S = 2.0
"""The same where time is skipped, for a test: there samples are most of the work."""


class Ending(StrEnum):
    """Why a run ended."""

    EXHAUSTED = "exhausted"
    """Nothing is left to visit."""
    PAGE_LIMIT = "page-limit"
    """`scope.limit` was reached."""
    TIME_LIMIT = "time-limit"
    """`scope.time_limit_s` was reached."""
    SIZE_LIMIT = "size-limit"
    """`scope.size_limit_bytes` was reached."""
    STOPPED = "stopped"
    """`stop` was called; visits under way were finished."""
    ABORTED = "aborted"
    """`abort` was called; visits under way were dropped."""


_DNS_OF = 64
"""How many of the last visits are checked for failed DNS."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A crawl at one instant. Numbers are of this run; `counts` is of the whole crawl folder."""

    elapsed_s: float
    """Seconds since the run began."""
    pages: int
    """Pages fetched."""
    pages_per_s: float
    """Pages a second, over the last ten seconds."""
    bytes: int
    """Bytes of bodies, as they came over the wire."""
    bytes_per_s: float
    """Bytes a second, over the last ten seconds."""
    in_flight: int
    """Visits under way at this instant."""
    counts: Counts
    """The URLs of the whole crawl, by their state."""
    dispositions: Mapping[Disposition, int]
    """Visits by their outcome."""
    reasons: Mapping[Reason, int]
    """Visits by the reason of their outcome."""
    statuses: Mapping[int, int]
    """Answers by HTTP status."""
    bound_by: Bound
    """The limit that holds the crawl back now."""
    advice: str
    """Advice on it, in a sentence for a person."""
    busiest: Sequence[SiteView]
    """The sites with the most URLs left."""
    failures: Sequence[Failures]
    """The sites and reasons with the most failures."""
    stages: Mapping[str, float]
    """Share of the time of recent visits that each of `latency.STAGES` took."""
    latency: Latency | None
    """Percentiles of recent answers; None: there were none."""
    visits: int = 0
    """Visits that ended, pages that were read again among them."""
    visits_per_s: float = 0.0
    """Visits that ended a second, over the last ten seconds."""
    mean_in_flight: float = 0.0
    """Visits under way, the mean of the last ten seconds."""
    reads_seeds: bool = True
    """Whether there may be seeds that were not read yet."""
    progress: Progress | None = None
    """How far it is. None: nobody can know, since pages may still bring links."""
    at_least_s: float | None = None
    """Seconds that the queue of now takes at least, by the rests of sites. None: it cannot be said, or no rest adds to
    it."""
    eta: Eta | None = None
    """When the run ends, as far as that can be said. None: it does not run, or stands still."""
    work: Sequence[WorkCost] = ()
    """Where CPU work is done, and what it costs there. Empty without `offload.executor = "auto"`."""

    def at_rest(self) -> Snapshot:
        """Returns the same figures once the run is over: nothing is under way, and nothing limits it."""
        return replace(
            self, pages_per_s=0.0, bytes_per_s=0.0, visits_per_s=0.0, in_flight=0, mean_in_flight=0.0,
            bound_by=Bound.IDLE, advice=ADVICE[Bound.IDLE], at_least_s=None, eta=None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a run. Numbers are of this run; `counts`, `left_out` and `traps` are of the whole crawl folder."""

    ended: Ending
    """Why the run ended."""
    elapsed_s: float
    """Seconds that it took."""
    pages: int
    """Pages fetched."""
    bytes: int
    """Bytes of bodies, as they came over the wire."""
    counts: Counts
    """The URLs of the whole crawl, by their state."""
    dispositions: Mapping[Disposition, int]
    """Visits by their outcome."""
    reasons: Mapping[Reason, int]
    """Visits by the reason of their outcome."""
    statuses: Mapping[int, int]
    """Answers by HTTP status."""
    bounds: Mapping[Bound, float]
    """Share of the time that each bound limited the run."""
    failures: Sequence[Failures]
    """The sites and reasons with the most failures; pages at which a parse function failed are among them."""
    hindrances: Sequence[Hindrance] = ()
    """Sites with an outage or a block, those with the most such answers first."""
    rereads: Mapping[Disposition, int] = field(default_factory=dict)
    """Pages that were read again for links left out before, by disposition."""
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)
    """Pages with links that a rule kept out, by rule, over the whole life of the crawl folder."""
    lost_records: int = 0
    """Visits queued again when the crawl folder was opened, because their records were gone from an output."""
    blocked: Sequence[Blocked] = ()
    """Code that blocked the event loop for longer than `watch.blocked_after_s`, the most frequent first."""
    bad_seeds: SkippedSeeds = field(default_factory=SkippedSeeds)
    """Seeds that were skipped, in this run or by `add` before it, because they are no usable URLs."""
    requisites: int = 0
    """Requisites fetched: what pages need to be shown. They are among `dispositions`, not among `pages`."""
    fields: Sequence[FieldCount] = ()
    """At how many pages each field of `extract.fields` was found."""
    traces: Mapping[str, str] = field(default_factory=dict)
    """The first traceback of each parse function that failed, by its name."""

    @property
    def queued(self) -> int:
        """URLs still to visit."""
        return self.counts.queued + self.counts.leased

    @property
    def traps(self) -> Sequence[Trap]:
        """Patterns of URLs that brought nothing new, over the whole life of the crawl folder; the costliest first."""
        return self.counts.traps

    @property
    def failed(self) -> int:
        """Visits that failed for good."""
        return self.dispositions.get(Disposition.FAILED, 0)


@dataclass(slots=True)
class Metrics:
    """The running totals of one run."""

    started: float = field(default_factory=monotonic)
    bytes: int = 0
    """Bytes of bodies as they came over the wire."""
    dispositions: Counter[Disposition] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    rereads: Counter[Disposition] = field(default_factory=Counter)
    bounds: Counter[Bound] = field(default_factory=Counter)
    stages: Stages = field(default_factory=lambda: Stages(int(RECENT_S / SAMPLE_S)))
    requisites: int = 0
    """Requisites fetched in this run."""
    parse_failures: ParseFailures = field(default_factory=ParseFailures)
    fields: Counter[str] = field(default_factory=Counter)
    """At how many pages each field was found, see `field_counts`."""
    bound: Bound = Bound.IDLE
    """The limit that holds the crawl back now."""
    in_flight: int = 0
    """Visits under way, a quarter of a second ago at most."""
    flights: int = 0
    """Visits under way, summed over all samples."""
    _failures: dict[tuple[str, Reason, str], tuple[int, str]] = field(default_factory=dict)
    _hindrances: dict[tuple[str, Reason], tuple[int, str]] = field(default_factory=dict)
    _blocked: dict[str, Blocked] = field(default_factory=dict)
    _marks: RecentMarks = field(default_factory=RecentMarks)
    _by_names: deque[bool] = field(default_factory=lambda: deque(maxlen=_DNS_OF))
    """For each of the last visits, whether it failed in DNS."""

    @property
    def pages(self) -> int:
        """Pages fetched in this run."""
        return self.dispositions[Disposition.FETCHED] - self.requisites

    @property
    def visits(self) -> int:
        """Visits that ended in this run."""
        return self.dispositions.total() + self.rereads.total()

    def fold(self, outcome: Outcome) -> None:
        """Counts one recorded outcome. Pages that were read again for their links are counted apart, in `rereads`."""
        request, page = outcome.lease.request, outcome.page
        if page is not None and (page.parser or page.fields_json):
            self.parse_failures.note(outcome)
            note_fields(self.fields, outcome)
        if request.is_reread:
            self.rereads[outcome.disposition] += 1
            self.bytes += len(outcome.response.body) if outcome.response else 0
            return
        self.dispositions[outcome.disposition] += 1
        self.requisites += request.requisite > 0 and outcome.disposition is Disposition.FETCHED
        self._by_names.append(outcome.reason is Reason.DNS)
        if outcome.reason is not None:
            self.reasons[outcome.reason] += 1
        if outcome.response is not None:
            self.statuses[outcome.response.status] += 1
            self.bytes += len(outcome.response.body)
            self.stages.fold(outcome.response.timings)
        if outcome.disposition is Disposition.FAILED and outcome.reason is not None:
            _count(self._failures, (outcome.url.site, outcome.reason, ""), 1, outcome.url.text)
        elif outcome.page is not None and outcome.page.parser:
            _count(self._failures, (outcome.url.site, Reason.PARSE, outcome.page.parser), 1, outcome.url.text)
        if outcome.reason in (Reason.SOFT_OUTAGE, Reason.BLOCKED) and outcome.response is not None:
            n = 1 + len(outcome.repeats)
            _count(self._hindrances, (outcome.url.site, outcome.reason), n, outcome.detail)

    def note_blocked(self, culprit: str, seconds: float) -> None:
        """Counts one time that the event loop was blocked."""
        _, times, worst_s = self._blocked.get(culprit, Blocked(culprit, 0, 0.0))
        self._blocked[culprit] = Blocked(culprit, times + 1, max(worst_s, seconds))

    def observe(self, gauges: Gauges) -> None:
        """Takes a sample of what limits the crawl. Called a few times a second."""
        fails_by_names = self._by_names.count(True) > _DNS_OF // 2 or self.stages.shares()["dns"] > 0.5
        self.bound = bound_by(replace(gauges, fails_by_names=fails_by_names))
        self.bounds[self.bound] += 1
        self.in_flight = gauges.in_flight
        self.flights += gauges.in_flight
        free = gauges.concurrency - gauges.in_flight
        sample_ms = SAMPLE_S * 1000
        self.stages.tick(free * sample_ms if gauges.waits_for_turn else 0.0, gauges.record_backlog * sample_ms)
        self._marks.add(Mark(self.pages, self.bytes, self.visits, gauges.in_flight))

    def totals(self) -> dict[str, Any]:
        """Returns the totals of this run, fit for JSON: `take_totals` reads them in another process."""
        return {
            "bytes": self.bytes,
            "requisites": self.requisites,
            **{name: dict(getattr(self, name)) for name in _COUNTERS},
            "failures": [[*key, *value] for key, value in self._failures.items()],
            "hindrances": [[*key, *value] for key, value in self._hindrances.items()],
            "traces": self.parse_failures.traces,
        }

    def take_totals(self, parts: Sequence[Mapping[str, Any]]) -> None:
        """Takes the sum of these totals, of several loops, in the place of its own."""
        self.bytes = sum(part["bytes"] for part in parts)
        self.requisites = sum(part["requisites"] for part in parts)
        for name, kind in _COUNTERS.items():
            total = Counter[Any]()
            for part in parts:
                total.update({kind(key): number for key, number in part[name].items()})
            setattr(self, name, total)
        self._failures, self._hindrances = {}, {}
        for part in parts:
            self.parse_failures.traces |= part["traces"]
            for site, reason, parser, number, example in part["failures"]:
                _count(self._failures, (site, Reason(reason), parser), number, example)
            for site, reason, number, detail in part["hindrances"]:
                _count(self._hindrances, (site, Reason(reason)), number, detail)

    def count_settled(self, settled: Mapping[Disposition, int]) -> None:
        """Takes exact counts of final visits: a loop that was killed may not have told of its last ones."""
        self.dispositions = Counter({name: number for name, number in settled.items() if number > 0})

    def note(self, bound: Bound, in_flight: int) -> None:
        """Takes a sample of a run on several loops: what limits most of them, and all visits under way."""
        self.bound, self.in_flight = bound, in_flight
        self.bounds[bound] += 1
        self._marks.add(Mark(self.pages, self.bytes, self.visits, in_flight))

    def snapshot(
        self, counts: Counts, busiest: Sequence[SiteView], in_flight: int, *, reads_seeds: bool = True
    ) -> Snapshot:
        rates = self._marks.rates()
        return Snapshot(
            elapsed_s=monotonic() - self.started,
            pages=self.pages,
            pages_per_s=rates.pages_per_s,
            bytes=self.bytes,
            bytes_per_s=rates.bytes_per_s,
            in_flight=in_flight,
            counts=counts,
            dispositions=dict(self.dispositions),
            reasons=dict(self.reasons),
            statuses=dict(self.statuses),
            bound_by=self.bound,
            advice=ADVICE[self.bound],
            busiest=busiest,
            failures=self.failures(5),
            stages=self.stages.shares(),
            latency=self.stages.latency(),
            visits=self.visits,
            visits_per_s=rates.visits_per_s,
            mean_in_flight=rates.mean_in_flight,
            reads_seeds=reads_seeds,
        )

    def summary(self, ended: Ending, counts: Counts) -> Summary:
        samples = sum(self.bounds.values()) or 1
        return Summary(
            ended=ended,
            elapsed_s=monotonic() - self.started,
            pages=self.pages,
            bytes=self.bytes,
            counts=counts,
            dispositions=dict(self.dispositions),
            reasons=dict(self.reasons),
            statuses=dict(self.statuses),
            bounds={bound: n / samples for bound, n in self.bounds.most_common()},
            failures=self.failures(20),
            hindrances=self.hindrances(20),
            rereads=dict(self.rereads),
            blocked=sorted(self._blocked.values(), key=lambda one: -one.times)[:20],
            requisites=self.requisites,
            traces=dict(self.parse_failures.traces),
        )

    def failures(self, limit: int) -> list[Failures]:
        """Returns the sites and reasons with the most failures."""
        ranked = sorted(self._failures.items(), key=lambda item: -item[1][0])[:limit]
        return [Failures(site, reason, n, example, parser) for (site, reason, parser), (n, example) in ranked]

    def hindrances(self, limit: int) -> list[Hindrance]:
        """Returns the sites with the most answers that were no content."""
        ranked = sorted(self._hindrances.items(), key=lambda item: -item[1][0])[:limit]
        return [Hindrance(site, reason, n, detail) for (site, reason), (n, detail) in ranked]

    def rates(self) -> Rates:
        """Returns pages, bytes and visits a second, and the mean of visits under way, over the last seconds."""
        return self._marks.rates()


_COUNTERS: Mapping[str, Callable[[Any], Any]] = {
    "dispositions": Disposition, "reasons": Reason, "statuses": int, "rereads": Disposition, "bounds": Bound,
    "fields": str,
}  # fmt: skip
"""The counters of a run, and what their keys are."""


def _count(kept: dict[Key, tuple[int, str]], key: Key, n: int, example: str) -> None:
    """Adds `n` under the key and keeps the first example. New keys are dropped once there are MAX_FAILURES."""
    if key in kept or len(kept) < MAX_FAILURES:
        before, first = kept.get(key, (0, example))
        kept[key] = (before + n, first)
