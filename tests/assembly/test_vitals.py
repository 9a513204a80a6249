"""The figures of the process: where work is done, and what it costs there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from crawler.assembly.vitals import Vitals
from crawler.fetch import Budget
from crawler.metrics import catalog
from crawler.protocols import Offloader
from crawler.standing import WorkCost

WORK = (
    WorkCost("parse", 4096, "inline", "costs least", 90, 0.4, {"inline": 0.2, "process": 0.5}),
    WorkCost("robots.txt", 65536, "process", "the only place that is safe for it", 3, 0.4, {"process": 1.5}),
)


@dataclass
class Chooses:
    waiting: int = 0
    work: tuple[WorkCost, ...] = field(default=WORK)

    def costs(self) -> tuple[WorkCost, ...]:
        return self.work


async def read(offloader: object) -> list[tuple[Any, ...]]:
    budget = cast("Budget", type("Full", (), {"used": 0, "limit": 1}))
    found = await Vitals(cast("Offloader", offloader), budget).read()
    metrics = (catalog.WORK_CHOSEN, catalog.WORK_CPU)
    return [(one.metric.name, *one.labels, one.value) for one in found if one.metric in metrics]


async def test_what_work_costs_is_told_by_place_with_the_place_that_was_chosen() -> None:
    assert await read(Chooses()) == [
        ("crawld_work_chosen", "parse", "4096", "inline", 1),
        ("crawld_work_cpu_seconds", "parse", "4096", "inline", 0.0002),
        ("crawld_work_cpu_seconds", "parse", "4096", "process", 0.0005),
        ("crawld_work_chosen", "robots.txt", "65536", "process", 1),
        ("crawld_work_cpu_seconds", "robots.txt", "65536", "process", 0.0015),
    ]


async def test_an_offloader_that_chooses_nothing_has_no_such_figures() -> None:
    assert await read(type("Fixed", (), {"waiting": 0})()) == []
