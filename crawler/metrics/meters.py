"""Reads all figures of a process from those who have them, for whoever shows them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

from .catalog import METRICS, Sample

Source = Callable[[], Awaitable[Iterable[Sample]]]
"""Returns the samples of one part of the process. Called on its event loop."""

_PLACES = {metric: place for place, metric in enumerate(METRICS)}


class Meters:
    """The sources of figures, by name: a later one of the same name takes the place of an earlier one."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    @contextmanager
    def offer(self, name: str, source: Source) -> Iterator[None]:
        """Offers a source within the block."""
        self._sources[name] = source
        try:
            yield
        finally:
            if self._sources.get(name) is source:
                del self._sources[name]

    async def read(self) -> list[Sample]:
        """Returns the samples of all sources, in the order of the catalog."""
        found: list[Sample] = []
        for source in list(self._sources.values()):
            found.extend(await source())
        return sorted(found, key=lambda sample: _PLACES[sample.metric])
