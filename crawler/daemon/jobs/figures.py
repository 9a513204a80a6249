"""The figures of a running job. Defined once, here: jobs show them, the API answers them, events carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from ...forecast import Eta
from ...metrics.bounds import ADVICE_IN_SETTINGS, Bound
from ...metrics.latency import Latency
from ...metrics.metrics import Snapshot

BY_THEMSELVES = frozenset({"stages", "latency"})
"""Figures that events leave out: a point has the latency as numbers, and shares of stages are long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one run at one moment. Each has the name and the meaning that it has in `Snapshot`."""

    pages_per_s: float = 0.0
    bytes_per_s: float = 0.0
    in_flight: int = 0
    bound_by: Bound = Bound.IDLE
    advice: str = ""
    """An explanation of `bound_by`, and what would help, with names of settings."""
    at_least_s: float | None = None
    """Seconds that the queue of now takes at least. None: it cannot be said."""
    eta: Eta | None = None
    """When the run ends, as far as that can be said. None: it does not run."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """The share of recent visit time that each stage took."""
    latency: Latency | None = None
    """The latency of recent answers."""


NAMES = tuple(one.name for one in fields(Figures))


def take_figures(snapshot: Snapshot) -> dict[str, object]:
    """Returns the figures of a run by name."""
    taken = {name: getattr(snapshot, name) for name in NAMES}
    return taken | {"advice": ADVICE_IN_SETTINGS[snapshot.bound_by]}


def take_for_event(snapshot: Snapshot) -> dict[str, object]:
    """Returns the figures that a progress event carries beside the point of its moment."""
    return {name: value for name, value in take_figures(snapshot).items() if name not in BY_THEMSELVES}
