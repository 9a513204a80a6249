"""Keeps what bound a crawl as time goes on: a line for each step, in the file `bounds.timeline` of a crawl folder."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import orjson
from anyio import CancelScope, create_task_group

from ..runtime.clock import wall
from ..runtime.private_files import opener
from ..runtime.threads import run_in_thread
from .metrics import SAMPLE_S, Metrics

COURSE = "bounds.timeline"
"""The name of the file."""
STEPS = 400
"""Steps after which they become twice as long: a day takes some 3,000 lines, 250 kB."""
FIRST_STEP_S = 1.0
LONGEST_LINE = 1 << 12

Terms = Mapping[str, float]
"""The settings that bound the speed: `delay_s`, `per_site`, `per_ip`, `concurrency`, `workers`."""


class Step(NamedTuple):
    """Some seconds of a crawl, and what bound it meanwhile."""

    at: float
    """Unix seconds at its end."""
    seconds: float
    bounds: Mapping[str, float]
    """Seconds by bound."""
    pages: int
    visits: int
    bytes: int
    in_flight: float
    """Visits under way, on average."""
    terms: Terms
    """The settings that were in force at its end."""


@asynccontextmanager
async def keep_course(
    folder: Path, metrics: Metrics, terms: Callable[[], Terms], first_step_s: float = FIRST_STEP_S
) -> AsyncIterator[None]:
    """Writes the steps of a run, which goes on within the block. A disk that is full stops the writing, not the run."""
    steps = _Steps(metrics, terms)
    async with create_task_group() as tasks:
        tasks.start_soon(_write_forever, folder / COURSE, steps, first_step_s)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
            with CancelScope(shield=True), suppress(OSError):
                await run_in_thread(_append, folder / COURSE, steps.take())


async def _write_forever(path: Path, steps: _Steps, step_s: float) -> None:
    with suppress(OSError):
        while True:
            for _ in range(STEPS):
                await asyncio.sleep(step_s)
                with CancelScope(shield=True):
                    await run_in_thread(_append, path, steps.take())
            step_s *= 2


class _Steps:
    """Takes the differences between one look at the figures of a run and the next."""

    def __init__(self, metrics: Metrics, terms: Callable[[], Terms]) -> None:
        self._metrics = metrics
        self._terms = terms
        self._bounds: Counter[str] = Counter()
        self._before = (0, 0, 0, 0)

    def take(self) -> bytes:
        """Returns the line of the step that ends now; empty: nothing was measured in it."""
        metrics = self._metrics
        bounds = Counter({str(bound): n for bound, n in metrics.bounds.items()})
        new, self._bounds = bounds - self._bounds, bounds
        now = (metrics.pages, metrics.visits, metrics.bytes, metrics.flights)
        pages, visits, size, flights = (a - b for a, b in zip(now, self._before, strict=True))
        self._before, samples = now, new.total()
        if not samples:
            return b""
        said = {
            "at": round(wall(), 2), "s": samples * SAMPLE_S, "b": dict(new), "p": pages, "v": visits, "y": size,
            "f": round(flights / samples, 2), "t": dict(self._terms()),
        }  # fmt: skip
        return orjson.dumps(said) + b"\n"


def _append(path: Path, line: bytes) -> None:
    if line:
        file = opener(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def read_course(folder: Path) -> Iterator[Step]:
    """Yields the steps of all runs of a crawl folder, in order; lines that cannot be read are left out.

    Blocks. Raises OSError.
    """
    path = folder / COURSE
    if not path.is_file():
        return
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            with suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
                yield _read(orjson.loads(line))


def _read(said: dict[str, object]) -> Step:
    """Returns a step as it was written. Raises KeyError, TypeError, ValueError."""
    match said:
        case {
            "at": int() | float() as at, "s": int() | float() as seconds, "b": dict() as bounds, "p": int() as pages,
            "v": int() as visits, "y": int() as size, "f": int() | float() as in_flight, "t": dict() as terms,
        }:  # fmt: skip
            named = {str(name): int(n) * SAMPLE_S for name, n in bounds.items()}
            held = {str(name): float(value) for name, value in terms.items()}
            return Step(float(at), float(seconds), named, pages, visits, size, float(in_flight), held)
    raise ValueError("no step")
