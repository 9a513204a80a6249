"""Says where CPU work is done, and what it costs there (`offload.executor = "auto"`). Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler import WorkCost

WHERE = {"inline": "on the loop", "thread": "in a thread", "process": "in workers"}
PLAIN = "parse"


def say_places(work: Sequence[WorkCost]) -> list[str]:
    """Returns where plain pages are read, one text for all sizes in a row that are read in one place."""
    plain = sorted((one for one in work if one.work == PLAIN), key=lambda one: one.below_bytes)
    said = []
    for place, group in groupby(plain, key=lambda one: one.place):
        sizes = list(group)
        common = max(sizes, key=lambda one: one.calls)
        said.append(f"below {size(sizes[-1].below_bytes)} {WHERE[place]} ({say_cost(common)})")
    return said


def say_cost(one: WorkCost) -> str:
    """Returns the CPU time of a call where it is done, and in a worker process."""
    said = _ms(one.cpu_ms.get(one.place, 0.0))
    return said if one.place == "process" else f"{said}, in a worker {_ms(one.cpu_ms.get('process', 0.0))}"


def size(count: int) -> str:
    """Writes a power of two of bytes."""
    for unit, bits in (("MiB", 20), ("KiB", 10)):
        if count >> bits:
            return f"{count >> bits} {unit}"
    return f"{count} B"


def rows(work: Sequence[WorkCost]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yields a row for each size of plain pages: the size, what it costs in each place, the place that is chosen."""
    for one in sorted(work, key=lambda one: one.below_bytes):
        if one.work == PLAIN:
            costs = [f"{one.cpu_ms[place]:.2f}" if place in one.cpu_ms else "" for place in WHERE]
            yield (f"below {size(one.below_bytes)}", costs[0], costs[1], costs[2], one.place)


def _ms(value: float) -> str:
    return f"{value:.2f} ms"
