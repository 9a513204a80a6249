"""Passes the exchanges for robots.txt on to the sinks that want them."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import CancelScope

from ..dataclass import dataclass
from ..errors import SinkError
from ..model import Response
from ..protocols import Observer, Sink
from .skip_stored import SkipStored


@dataclass(frozen=True, slots=True)
class Observers:
    """Implements Observer over the sinks of a crawl that are observers."""

    sinks: Sequence[tuple[str, Observer]]
    """Their names, and the sinks."""

    async def observe(self, response: Response) -> None:
        """Passes the answer on to each sink. Raises SinkError, also for other exceptions of a sink."""
        for name, sink in self.sinks:
            try:
                with CancelScope(shield=True):  # never half a record
                    await sink.observe(response)
            except SinkError:
                raise
            except Exception as error:
                raise SinkError(f"the sink {name!r} could not store a robots.txt: {error!r}") from error


def find_observers(sinks: Sequence[Sink]) -> Observer | None:
    """Returns an Observer for those of the sinks that are observers; None: there is none."""
    whole = [sink.sink if isinstance(sink, SkipStored) else sink for sink in sinks]
    found = [(sink.name, sink) for sink in whole if isinstance(sink, Observer)]
    return Observers(found) if found else None
