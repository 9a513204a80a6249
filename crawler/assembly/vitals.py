"""Takes the figures of the process itself: workers, memory for bodies, disk, event loop."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from pathlib import Path

from ..dataclass import dataclass
from ..fetch import Budget
from ..metrics import catalog
from ..metrics.catalog import Sample
from ..protocols import Choosing, Offloader, Staffed
from ..runtime.lateness import Lateness
from ..runtime.threads import run_in_thread
from ..settings.loading import project_version


@dataclass(frozen=True, slots=True)
class Vitals:
    """The figures of one process that do not belong to a single run."""

    offloader: Offloader
    budget: Budget
    lateness: Lateness = field(default_factory=Lateness)
    """Measures only where somebody watches it."""

    async def read(self) -> Iterable[Sample]:
        """Returns the samples of this instant."""
        found = [Sample(catalog.BUILD, 1, (project_version(),)), *self._of_loop(), *self._of_bodies()]
        found.append(Sample(catalog.PARSE_BACKLOG, self.offloader.waiting))
        if isinstance(self.offloader, Staffed):
            busy = sum(worker.is_busy for worker in self.offloader.members)
            found.append(Sample(catalog.WORKERS, busy, ("busy",)))
            found.append(Sample(catalog.WORKERS, len(self.offloader.members) - busy, ("idle",)))
            pids = [worker.pid for worker in self.offloader.members if worker.pid is not None]
            if memory := await run_in_thread(_memory_of, pids):
                found.append(Sample(catalog.WORKERS_MEMORY, memory))
        return [*found, *self._of_work()]

    def _of_work(self) -> Iterator[Sample]:
        for one in self.offloader.costs() if isinstance(self.offloader, Choosing) else ():
            kind = one.work, str(one.below_bytes)
            yield Sample(catalog.WORK_CHOSEN, 1, (*kind, one.place))
            for place, cpu_ms in one.cpu_ms.items():
                yield Sample(catalog.WORK_CPU, cpu_ms / 1000, (*kind, place))

    def _of_loop(self) -> Iterator[Sample]:
        for part, late_s in self.lateness.quantiles().items():
            yield Sample(catalog.LOOP_LATE, late_s, (f"{100 * part:g}",))
        if (busy := self.lateness.busy()) is not None:
            yield Sample(catalog.LOOP_BUSY, busy)

    def _of_bodies(self) -> Iterator[Sample]:
        yield Sample(catalog.BODIES, self.budget.used)
        yield Sample(catalog.BODIES_LIMIT, self.budget.limit)


async def read_disk(folder: Path) -> Iterable[Sample]:
    """Returns the samples of the disk that a folder lies on; none where it cannot be looked at."""
    try:
        disk = await run_in_thread(shutil.disk_usage, folder)  # a share on the network may keep us waiting
    except OSError:
        return ()
    return Sample(catalog.DISK_FREE, disk.free), Sample(catalog.DISK_SIZE, disk.total)


def _memory_of(pids: Sequence[int]) -> int:
    """Returns the resident memory of these processes in bytes; 0 where the system does not tell."""
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
        except (OSError, ValueError, IndexError):  # it has ended, or there is no /proc
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")
