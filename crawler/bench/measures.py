"""Names what is measured: stages of a crawl, kinds of work, and the ways to do them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..standing import WorkCost

NOISE = 0.1
"""A difference that says nothing: two measurements of the same differ as much."""


class Work(StrEnum):
    """A kind of work. One piece of it is a page."""

    IO = "I/O-bound"
    """A page is fetched from a server that takes its time, and nothing is done with it."""
    CPU = "CPU-bound"
    """A page that is there already is parsed."""
    MIXED = "mixed"
    """A page is fetched and parsed, as in a crawl."""

    @property
    def fetches(self) -> bool:
        return self is not Work.CPU

    @property
    def parses(self) -> bool:
        return self is not Work.IO


class Way(StrEnum):
    """A way to do many pieces of work."""

    SEQUENTIAL = "sequential"
    """One after the other, in one thread."""
    THREADS = "threads"
    """Many threads, each of which does one piece after the other."""
    PROCESSES = "processes"
    """A process for each core, each of which does one piece after the other."""
    ASYNCIO = "asyncio"
    """Many tasks on one event loop, which parses too."""
    HYBRID = "hybrid"
    """Many tasks on one event loop, and worker processes that parse: as crawld does it."""
    UNBATCHED = "hybrid, a page at a time"
    """The same with `run_in_executor` alone: no batches, and a loop that never naps for its threads."""


class Stage(StrEnum):
    """How much of a crawl is done."""

    FETCH = "fetch"
    PARSE = "fetch and parse"
    CRAWL = "a whole crawl"
    """With links, robots.txt, a frontier and records that survive `kill -9`."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The pages that some seconds of work brought."""

    pages: int
    seconds: float
    loop_cpu_s: float = 0.0
    """CPU time of the loop's thread; 0: there is no loop."""
    late_ms: float | None = None
    """The delay that 99 of 100 turns of the loop stay below, in ms; None: there is no loop."""

    @property
    def per_second(self) -> float:
        """Pages a second."""
        return self.pages / self.seconds if self.seconds else 0.0

    @property
    def loop_ms(self) -> float:
        """CPU time of the loop's thread in ms a page."""
        return self.loop_cpu_s / self.pages * 1000 if self.pages else 0.0


class Extra(StrEnum):
    """Measurements beside stages and ways."""

    PLACES = "what a page costs in each place"


@dataclass(frozen=True, slots=True)
class Places:
    """The cost of reading a page in each place, by size, and the choice that `offload.executor = "auto"` would make."""

    at_rest: tuple[WorkCost, ...]
    """In a crawl that mostly waits: pages are handed over one by one."""
    in_a_hurry: tuple[WorkCost, ...]
    """In a crawl that does all it can: many pages at a time, and a loop without room."""
    has_gil: bool
    interpreters: str
    """Why interpreters of one process cannot parse here. Empty: they can."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured."""

    cores: int
    """How many processes and workers there were: one for each core that this process may use."""
    load: float
    """The load of the system in the last minute before it began; 0: the system does not tell."""
    threads: int
    at_once: int
    """Tasks on the loop."""
    latency_ms: float
    """How long the server waits before it answers, where work is I/O-bound or mixed."""
    page_bytes: int
    stages: Mapping[Stage, Rate]
    work: Mapping[Work, Mapping[Way, Rate]]
    places: Places | None = None
    """None: not measured."""

    def fastest(self, work: Work) -> tuple[Way, ...]:
        """Returns the ways that did most of this work in a second, give or take a tenth."""
        most = max(rate.per_second for rate in self.work[work].values())
        return tuple(way for way, rate in self.work[work].items() if rate.per_second >= most * (1 - NOISE))
