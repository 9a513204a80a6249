"""Repairs a damaged crawl folder, from its records and the readable rest of its frontier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..errors import FolderError
from ..frontier import Recorded, Repaired, is_whole, look
from ..frontier.sqlite import repair
from ..model import Position
from ..protocols import Mender
from ..records import Record
from ..runtime.ownership import NOBODY, Trust
from ..settings import Config
from . import lost_records
from .folder import lock_folder, read_folder
from .lost_records import LostRecords


class RepairReport(NamedTuple):
    """How a crawl folder was repaired."""

    frontier: Repaired | None
    """How the frontier was rebuilt. None: it was whole and was left as it is."""
    lost: LostRecords
    """Records that are gone from the outputs; their visits are queued again."""

    def __bool__(self) -> bool:
        return self.frontier is not None or bool(self.lost.files)


def repair_folder(path: Path, *, is_forced: bool = False, trust: Trust = NOBODY) -> RepairReport:
    """Makes the frontier and the outputs of a crawl folder agree again; settings stay as they are. Blocks.

    A damaged frontier is rebuilt; with `is_forced` a whole one, too. The next run visits again the URLs whose records
    are missing. Raises FolderError if it is no crawl folder or in use; FrontierError or SinkError if too much is
    damaged or it cannot be written.
    """
    folder = read_folder(path, Config(), trust=trust)
    outputs = folder.outputs
    first = next(((output.name, output.mender) for output in outputs if output.mender), None)
    if first is None or not folder.frontier_path.exists():
        raise FolderError(f"{path} cannot be repaired: its frontier is not in a file, or it has no output with records")
    name, mender = first

    def recorded(positions: Mapping[str, Position]) -> Iterator[Recorded]:
        yield from _read_records(mender, positions.get(name, {}))

    with lock_folder(path):
        rebuilt = repair(folder.frontier_path, recorded) if is_forced or not is_whole(folder.frontier_path) else None
        positions = look(folder.frontier_path, lambda opened: opened.positions())
        damaged = lost_records.find_damaged(outputs, positions, is_thorough=True)
        return RepairReport(rebuilt, lost_records.requeue_lost_records(folder.frontier_path, damaged, is_asked=True))


def _read_records(mender: Mender, position: Position) -> Iterator[Recorded]:
    """Yields the readable records up to `position`."""
    for record in mender.records(position):
        try:
            yield _parse_record(record)
        except (ValueError, TypeError, LookupError, AttributeError):
            continue


def _parse_record(record: Record) -> Recorded:
    return Recorded(
        record["url"],
        record["depth"],
        record["disposition"],
        record["status"],
        record["attempt"],
        datetime.fromisoformat(record["fetched_at"]).timestamp(),
        bytes.fromhex(record["digest"].removeprefix("sha256:")) if record["digest"] else None,
        record.get("request_id", ""),
    )
