"""Adds up the figures of all browsers of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

from . import catalog
from .catalog import Sample


@dataclass(slots=True)
class RenderFigures:
    """The figures of the browsers of one crawl."""

    rendered: int = 0
    failed: int = 0
    """Pages that could not be rendered."""
    seconds: float = 0.0
    """Time that pages spent in them."""
    started: int = 0
    """Browsers that were started."""
    open: int = 0
    """Pages that are in them now."""
    memory_bytes: int = 0
    """Memory that they take, as their keepers last told."""

    def add(self, other: RenderFigures) -> None:
        """Adds other figures to these."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


class RenderTotals:
    """The figures of all crawls that render: those that have ended, and those under way."""

    def __init__(self) -> None:
        self._ended = RenderFigures()
        self._running: list[RenderFigures] = []

    @contextmanager
    def count(self, figures: RenderFigures) -> Iterator[None]:
        """Counts the browsers of a crawl, which are open within the block."""
        self._running.append(figures)
        try:
            yield
        finally:
            self._running = [one for one in self._running if one is not figures]
            figures.open = figures.memory_bytes = 0
            self._ended.add(figures)

    async def read(self) -> list[Sample]:
        """Returns the samples of this instant."""
        total = RenderFigures()
        for one in (self._ended, *self._running):
            total.add(one)
        return [
            Sample(catalog.RENDERED, total.rendered, ("rendered",)),
            Sample(catalog.RENDERED, total.failed, ("failed",)),
            Sample(catalog.RENDER_SECONDS, total.seconds),
            Sample(catalog.RENDER_OPEN, total.open),
            Sample(catalog.BROWSERS_STARTED, total.started),
            Sample(catalog.BROWSERS_MEMORY, total.memory_bytes),
        ]
