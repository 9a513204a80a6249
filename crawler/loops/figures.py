"""Carries the figures of a run between processes, and adds up those of several loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..metrics.bounds import Bound
from ..metrics.metrics import Metrics
from ..model import Disposition
from ..standing import Counts

Figures = Mapping[str, Any]
_COUNTS = ("known", "queued", "leased", "retrying", "sites", "scheduled", "parked", "requisites")


def tell(metrics: Metrics, counts: Counts, in_flight: int) -> dict[str, Any]:
    """Returns the figures of one loop, fit for JSON."""
    return {
        "metrics": metrics.totals(),
        "counts": {name: getattr(counts, name) for name in _COUNTS},
        "due_in_s": counts.due_in_s,
        "in_flight": in_flight,
        "bound": metrics.bound,
    }


def add_up(metrics: Metrics, parts: Iterable[Figures], living: Iterable[Figures]) -> None:
    """Takes the figures of all loops, those that have ended included, as the figures of the run."""
    living = list(living)
    metrics.take_totals([part["metrics"] for part in parts])
    bounds = [Bound(part["bound"]) for part in living]
    bound = max(bounds, key=bounds.count, default=Bound.IDLE)
    metrics.note(bound, sum(part["in_flight"] for part in living))


def counts_of(living: Iterable[Figures], settled: Mapping[str, int]) -> Counts:
    """Returns the counts of all shards. What is settled is said by the backend."""
    parts = list(living)
    dues = [part["due_in_s"] for part in parts if part["due_in_s"] is not None]
    summed = {name: sum(part["counts"][name] for part in parts) for name in _COUNTS}
    return Counts(
        **summed, due_in_s=min(dues, default=None), settled={Disposition(k): n for k, n in settled.items()}
    )  # fmt: skip
