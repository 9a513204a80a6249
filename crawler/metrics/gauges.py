"""Judges from the state of the engine what limits a crawl now."""

from __future__ import annotations

from ..dataclass import dataclass
from ..policy.politeness import Wait
from .bounds import Bound

_WAITS = {
    Wait.REST: Bound.POLITENESS,
    Wait.ASKED: Bound.CRAWL_DELAY,
    Wait.BUSY: Bound.PER_SITE,
    Wait.ADDRESS: Bound.PER_IP,
    Wait.RETRY: Bound.RETRIES,
    Wait.DNS: Bound.DNS,
    Wait.HELD: Bound.HELD,
}


@dataclass(frozen=True, slots=True)
class Gauges:
    """The state of the engine at one instant."""

    in_flight: int = 0
    concurrency: int = 0
    waits_for_turn: bool = False
    """URLs are queued and visitors are free, but no site is due."""
    parse_backlog: int = 0
    record_backlog: int = 0
    record_room: int = 1
    loop_busy: float = 0.0
    """Share of the last interval during which the loop's thread was on a CPU."""
    reads_seeds: bool = False
    waits_for_place: bool = False
    """It could make more visits, but other crawls of the process have the places."""
    why: Wait | None = None
    """Why it waits, if `waits_for_turn`."""
    has_parked: bool = False
    is_throttled: bool = False
    """The rate of bytes a second is used up."""
    fails_by_names: bool = False
    """Most recent visits failed in DNS, or spent most of their time on it."""


def bound_by(gauges: Gauges) -> Bound:
    """Returns the bound to change first. Stages are checked from the last one to the first."""
    if gauges.record_backlog > gauges.record_room // 2:
        return Bound.OUTPUT
    if gauges.parse_backlog > max(8, gauges.in_flight // 2):
        return Bound.PARSING
    if gauges.loop_busy > 0.9:
        return Bound.LOOP
    if gauges.is_throttled and gauges.in_flight:
        return Bound.BANDWIDTH
    if gauges.in_flight >= gauges.concurrency or gauges.waits_for_place:
        return Bound.DNS if gauges.fails_by_names else Bound.PLACES if gauges.waits_for_place else Bound.CONCURRENCY
    if gauges.waits_for_turn:
        return _WAITS[gauges.why or Wait.REST]
    if gauges.in_flight:
        return Bound.DNS if gauges.fails_by_names else Bound.NETWORK
    if gauges.reads_seeds:
        return Bound.SEEDS
    return Bound.PARKED if gauges.has_parked else Bound.IDLE
