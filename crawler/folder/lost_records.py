"""Finds settled records that are missing from an output, and queues their visits again.

A power cut can lose them if `frontier.durability` is `process` or the disk lies about writes; a person may also move
the file away. If only late visits are missing, opening the folder mends it; anything else waits for `crawl repair`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SinkError, StorageFull
from ..frontier import Missing, open_unrecorded
from ..frontier.sqlite.unrecorded import Visits
from ..model import Position
from ..proof import AUDIT
from ..protocols import Mender, Output
from ..records import Survivors
from ..runtime.counting import many
from ..runtime.files import is_full

log = logging.getLogger(__name__)

RECENT_S = 600.0
"""How far back a power cut may reach: systems write files within half a minute, in power-saving mode within ten."""


class LostRecords(NamedTuple):
    """How much was missing and is mended."""

    visits: int
    """Number of visits that are queued again."""
    files: tuple[str, ...]
    """The outputs that differed from their settled state, each by its first file or its place."""


NOTHING_LOST = LostRecords(0, ())


def find_damaged(
    outputs: Sequence[Output], positions: Mapping[str, Position], *, is_thorough: bool = False
) -> list[Output]:
    """Returns the outputs that lack settled records, of those that can be mended. Blocks. Raises SinkError.

    The ends of outputs are checked; all of them if `is_thorough`.
    """
    with _translate_errors():
        return [
            output
            for output in outputs
            if output.mender and not output.mender.is_whole(positions.get(output.name, {}), is_thorough=is_thorough)
        ]


def requeue_lost_records(frontier: Path, damaged: Sequence[Output], *, is_asked: bool) -> LostRecords:
    """Cuts the damaged outputs to whole and settled records, and queues again the visits that are in none of them.

    The caller must hold the folder. Without `is_asked` it mends only
    if the end of a file is missing, with late visits alone; otherwise it raises SinkError, which says what is missing,
    and changes nothing. Blocks. Raises StorageFull, FrontierError.
    """
    if not damaged:
        return NOTHING_LOST
    with open_unrecorded(frontier) as file, _translate_errors():
        visits = file.visits()
        remains = {
            one.name: _Remains(one, one.mender, file.positions.get(one.name, {}), file.key, visits)
            for one in damaged
            if one.mender
        }
        latest = np.max([one.latest for one in remains.values()], axis=0)
        if file.positions.keys() - remains.keys() - {AUDIT}:  # the audit holds requests, not records
            latest = visits.numbers  # the other outputs have every visit
        is_missing = np.any([one.latest < visits.numbers for one in remains.values()], axis=0)
        if not is_asked:
            _check_lateness(remains, visits, is_missing)
        positions = dict(file.positions)
        for name, one in remains.items():
            positions[name] = one.keep()
        numbers = np.minimum(latest + 1, visits.numbers)
        file.queue_again(_list_missing(visits, is_missing, numbers, remains), positions)
    lost = LostRecords(int(is_missing.sum()), tuple(one.file for one in remains.values() if one.is_damaged))
    if lost.files:
        log.info("visits made again: %d, their records are missing from %s", lost.visits, ", ".join(lost.files))
    return lost


class _Remains:
    """The settled visits that one output still has."""

    def __init__(self, output: Output, mender: Mender, position: Position, key: bytes, visits: Visits) -> None:
        self.place, self.file = output.place, next(iter(output.files), output.place)
        self._mender, self._position = mender, position
        found = mender.find_survivors(position, key)
        self._total = found.total
        index, is_settled = _match(found, visits)
        self._starts, self._ends = found.starts[is_settled], found.ends[is_settled]
        self.latest = np.zeros(len(visits.rows), np.int64)
        """For each row, the number of its last visit in the file; 0: none."""
        np.maximum.at(self.latest, index[is_settled], found.visits[is_settled])

    @property
    def is_damaged(self) -> bool:
        return int((self._ends - self._starts).sum()) != self._total

    @property
    def is_empty(self) -> bool:
        return not len(self._starts)

    def keep(self) -> Position:
        return self._mender.keep(self._starts, self._ends) if self.is_damaged else self._position


def _match(found: Survivors, visits: Visits) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Returns for each record the index of its visit, and whether it is to be kept.

    Not kept are records that were never settled, since these visits come again, and repetitions.
    """
    if not len(visits.rows):
        return np.zeros(len(found.visits), np.int64), np.zeros(len(found.visits), np.bool_)
    order = np.argsort(visits.fingerprints)
    at = np.searchsorted(visits.fingerprints[order], found.fingerprints)
    index = order[np.minimum(at, len(order) - 1)]
    is_known = (visits.fingerprints[index] == found.fingerprints) & (found.visits <= visits.numbers[index])
    pairs = np.stack((index, found.visits))
    is_first = np.zeros(len(index), np.bool_)
    is_first[np.unique(pairs, axis=1, return_index=True)[1]] = True
    return index, is_known & is_first


def _check_lateness(remains: Mapping[str, _Remains], visits: Visits, is_missing: NDArray[np.bool_]) -> None:
    """Raises SinkError if more is missing than a power cut can lose: the owner may have moved the file."""
    latest = np.max(visits.visited_at[~np.isnan(visits.visited_at)], initial=0.0)
    is_late = not np.any(visits.visited_at[is_missing] < latest - RECENT_S)
    for one in remains.values():
        if one.is_damaged and (one.is_empty or not is_late):
            what = "is empty or gone" if one.is_empty else "has changed"
            visits_missing = many(int(is_missing.sum()), "visit")
            raise SinkError(
                f"{one.place} {what}: the records of {visits_missing} are missing. Put it back, or run "
                f"`crawl repair FOLDER` to have these visited again"
            )


def _list_missing(
    visits: Visits, is_missing: NDArray[np.bool_], numbers: NDArray[np.int64], remains: Mapping[str, _Remains]
) -> Iterator[Missing]:
    for i in np.flatnonzero(is_missing).tolist():
        sinks = [name for name, one in remains.items() if one.latest[i] < visits.numbers[i]]
        yield Missing(int(visits.rows[i]), int(numbers[i]), sinks)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translates OS errors about the outputs into SinkError and StorageFull."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"no space left to mend {error.filename or 'the output'}: make room first") from error
        raise SinkError(f"the output cannot be mended: {error}") from error
