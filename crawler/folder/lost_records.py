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
from ..runtime.files import is_full
from ..sinks import Survivors, find_survivors, is_whole, is_whole_throughout, keep_lines

log = logging.getLogger(__name__)

RECENT_S = 600.0
"""How far back a power cut may reach: systems write files within half a minute, in power-saving mode within ten."""


class Lost(NamedTuple):
    """How much was missing and is mended."""

    visits: int
    """Number of visits that are queued again."""
    files: tuple[str, ...]
    """The outputs that differed from their settled state."""


NOTHING_LOST = Lost(0, ())


def find_damaged(
    outputs: Mapping[str, Path], positions: Mapping[str, Position], *, is_thorough: bool = False
) -> list[str]:
    """Returns the names of the sinks whose files lack settled records. Blocks. Raises SinkError.

    `outputs`: the files by the names of their sinks. The ends of files are checked; all of them if `is_thorough`.
    """
    is_good = is_whole_throughout if is_thorough else is_whole
    with _translate_errors():
        return [name for name, path in outputs.items() if not is_good(path, _length(positions, name, path))]


def mend(frontier: Path, outputs: Mapping[str, Path], damaged: Sequence[str], *, is_asked: bool) -> Lost:
    """Cuts the outputs to whole and settled records, and queues again the visits that are in none of them.

    `outputs`: the files by the names of their sinks. The caller must hold the folder. Without `is_asked` it mends only
    if the end of a file is missing, with late visits alone; otherwise it raises SinkError, which says what is missing,
    and changes nothing. Blocks. Raises StorageFull, FrontierError.
    """
    if not damaged:
        return NOTHING_LOST
    with open_unrecorded(frontier) as file, _translate_errors():
        visits = file.visits()
        remains = {name: _Remains(outputs[name], file.positions, name, file.key, visits) for name in damaged}
        latest = np.max([one.latest for one in remains.values()], axis=0)
        if file.positions.keys() - remains.keys():
            latest = visits.numbers  # the other outputs have every visit
        is_missing = np.any([one.latest < visits.numbers for one in remains.values()], axis=0)
        if not is_asked:
            _check_lateness(remains, visits, is_missing)
        positions = dict(file.positions)
        for name, one in remains.items():
            positions[name] = {one.path.name: one.keep()}
        numbers = np.minimum(latest + 1, visits.numbers)
        file.queue_again(_list_missing(visits, is_missing, numbers, remains), positions)
    lost = Lost(int(is_missing.sum()), tuple(one.path.name for one in remains.values() if one.is_damaged))
    if lost.files:
        log.info("visits made again: %d, their records are missing from %s", lost.visits, ", ".join(lost.files))
    return lost


class _Remains:
    """The settled visits that one output still has."""

    def __init__(self, path: Path, positions: Mapping[str, Position], name: str, key: bytes, visits: Visits) -> None:
        self.path = path
        self.length = _length(positions, name, path)
        found = find_survivors(path, self.length, key)
        index, is_settled = _match(found, visits)
        self._starts, self._ends = found.starts[is_settled], found.ends[is_settled]
        self.latest = np.zeros(len(visits.rows), np.int64)
        """For each row, the number of its last visit in the file; 0: none."""
        np.maximum.at(self.latest, index[is_settled], found.visits[is_settled])

    @property
    def is_damaged(self) -> bool:
        return int((self._ends - self._starts).sum()) != self.length

    @property
    def is_empty(self) -> bool:
        return not len(self._starts)

    def keep(self) -> int:
        return keep_lines(self.path, self._starts, self._ends) if self.is_damaged else self.length


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
            raise SinkError(
                f"{one.path} {what}: the records of {int(is_missing.sum())} visits are missing. Put it back, or run "
                f"`crawl repair FOLDER` to have these visited again"
            )


def _list_missing(
    visits: Visits, is_missing: NDArray[np.bool_], numbers: NDArray[np.int64], remains: Mapping[str, _Remains]
) -> Iterator[Missing]:
    for i in np.flatnonzero(is_missing).tolist():
        sinks = [name for name, one in remains.items() if one.latest[i] < visits.numbers[i]]
        yield Missing(int(visits.rows[i]), int(numbers[i]), sinks)


def _length(positions: Mapping[str, Position], name: str, path: Path) -> int:
    return positions.get(name, {}).get(path.name, 0)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translates OS errors about the outputs into SinkError and StorageFull."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"no space left to mend {error.filename or 'the output'}: make room first") from error
        raise SinkError(f"the output cannot be mended: {error}") from error
