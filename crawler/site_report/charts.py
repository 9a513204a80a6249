"""Makes the numbers that the charts of a page are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from ..reports.durations import Durations
from .timeline import CLASSES, STAGES, Course, Step, Timeline, histogram

Chart = dict[str, Any]
"""A chart as the script of the page draws it: `kind` is `area` (stacked), `lines` or `bars`."""
_CLASS_INKS = ("--c1", "--c2", "--c4", "--bad", "--politeness")
_STAGE_INKS = ("--queue", "--dns", "--connect", "--wait", "--download", "--parse")
_STAGE_NAMES = ("robots and limits", "name", "connection", "waiting for the answer", "body", "reading the page")


def make(timeline: Timeline) -> list[Chart]:
    """Returns all charts that there are numbers for."""
    course = timeline.course()
    return [*_over_time(course, timeline.step_s), *_distributions(timeline)]


def _over_time(course: Course, step_s: float) -> Iterable[Chart]:
    if len(course.steps) < 2:
        return
    classes = [n for n in range(len(CLASSES)) if any(step.classes[n] for step in course.steps)]
    yield _chart(
        course, "Answers a second", "area", "per_s",
        [(CLASSES[n], _CLASS_INKS[n], partial(_rate, n=n, step_s=step_s)) for n in classes],
    )  # fmt: skip
    yield _chart(course, "Bytes a second", "lines", "bytes", [("bytes", "--c1", lambda step: step.bytes / step_s)])
    yield _chart(
        course, "Time of answers", "lines", "ms",
        [("half are as fast", "--c1", lambda step: _percentile(step.times, 0.5)),
         ("95 of 100 are as fast", "--c4", lambda step: _percentile(step.times, 0.95))],
    )  # fmt: skip
    yield _chart(
        course, "What visits took their time for", "area", "share",
        [(_STAGE_NAMES[n], _STAGE_INKS[n], partial(_share, n=n)) for n in range(len(STAGES))],
    )  # fmt: skip


def _distributions(timeline: Timeline) -> Iterable[Chart]:
    times = Durations()
    for step in timeline.course().steps:
        times.merge(step.times)
    for title, durations in (("Answers by their time", times), ("Rests between two visits of a site", timeline.gaps)):
        if rows := list(histogram(durations)):
            yield {
                "title": title, "kind": "bars", "unit": "count", "x": [ms for ms, _ in rows], "names": ["number"],
                "inks": ["--c2"], "data": [[n for _, n in rows]],
            }  # fmt: skip


_Series = tuple[str, str, Callable[[Step], float | None]]
"""The name of a series, its colour, and its number in a step."""


def _chart(course: Course, title: str, kind: str, unit: str, series: Sequence[_Series]) -> Chart:
    return {
        "title": title,
        "kind": kind,
        "unit": unit,
        "x": course.at_s,
        "names": [name for name, _, _ in series],
        "inks": [ink for _, ink, _ in series],
        "data": [[_rounded(of(step)) for step in course.steps] for _, _, of in series],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _percentile(times: Durations, share: float) -> float | None:
    return times.percentile_ms(share) if times.n else None


def _rate(step: Step, n: int, step_s: float) -> float:
    return step.classes[n] / step_s


def _share(step: Step, n: int) -> float | None:
    total = sum(step.stages)
    return 100 * step.stages[n] / total if total else None
