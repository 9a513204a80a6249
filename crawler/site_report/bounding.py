"""Makes the chart and the table of what bound a crawl over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..metrics.course import Step

MOST_POINTS = 400
"""Points of the chart; steps are put together until there are no more."""
MOST_BOUNDS = 8
"""Bounds that have a colour of their own; the others are one."""
OTHERS = "others"
_INKS = {
    "politeness": "--politeness", "crawl-delay": "--queue", "retries": "--bad", "network": "--wait", "dns": "--dns",
    "per-site": "--c3", "parsing": "--parse", "loop": "--c4", "concurrency": "--c2", "output": "--warn",
    "idle": "--rule",
}  # fmt: skip
_SPARE = ("--c1", "--connect", "--download", "--good")


class Bounding(NamedTuple):
    """The bounds of a crawl, over time and in all."""

    seconds: Mapping[str, float]
    """Seconds by bound, the most first."""
    charts: Sequence[dict[str, Any]]
    """The chart as the script of the page draws it; empty: there is too little to draw."""


NO_BOUNDING = Bounding({}, ())


def find_bounding(steps: Sequence[Step]) -> Bounding:
    """Returns what the steps of all runs tell."""
    total: Counter[str] = Counter()
    for step in steps:
        total.update(step.bounds)
    seconds = dict(total.most_common())
    points = list(_points(steps))
    return Bounding(seconds, [_chart(points, list(seconds))] if len(points) > 1 else [])


def _points(steps: Sequence[Step]) -> Sequence[tuple[float, Counter[str]]]:
    """Returns seconds of crawling and seconds by bound, for up to MOST_POINTS stretches."""
    together = -(-len(steps) // MOST_POINTS) or 1
    points, at = [], 0.0
    for begin in range(0, len(steps), together):
        spent: Counter[str] = Counter()
        points.append((at, spent))
        for step in steps[begin : begin + together]:
            spent.update(step.bounds)
            at += step.seconds
    return points


def _chart(points: Sequence[tuple[float, Counter[str]]], bounds: Sequence[str]) -> dict[str, Any]:
    shown = [*bounds[:MOST_BOUNDS], *([OTHERS] if len(bounds) > MOST_BOUNDS else [])]
    spare = iter(_SPARE * MOST_BOUNDS)
    return {
        "title": "What bound the crawl", "kind": "area", "unit": "share", "x": [at for at, _ in points],
        "names": shown, "inks": [_INKS.get(name) or next(spare) for name in shown],
        "data": [[_share(spent, name, shown) for _, spent in points] for name in shown],
    }  # fmt: skip


def _share(spent: Counter[str], name: str, shown: Sequence[str]) -> float | None:
    total = spent.total()
    if not total:
        return None
    n = sum(s for one, s in spent.items() if one not in shown) if name == OTHERS else spent[name]
    return round(100 * n / total, 1)
