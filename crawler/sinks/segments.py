"""Parts of an output that several event loops write side by side, and how they become the one output again.

Each life of a loop appends to a segment of its own. The settled length of a segment is a position like any other, so
what a killed loop wrote beyond it counts for nothing. The parent moves settled records into the output, and keeps how
far it came together with the output's own position: after a kill at any instant each record is in the output once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from ..errors import SinkError
from ..model import Outcome, Position
from ..protocols import Output, Sink
from ..runtime.private_files import make_inner_folder, opener
from ..settings import SinkConfig
from .jsonl.writing import JsonLines, off_loop
from .record import wants_of

SEGMENTS = "segments"
KINDS = frozenset({"jsonl"})
"""Formats that can be written in segments."""
BETWEEN = "@"
_MOVED = "moved "
MOVED_AT_ONCE = 4 << 20
"""Bytes that are moved into the output in one step."""


class Segment:
    """A sink that appends to the segment of one life of a loop."""

    def __init__(self, folder: Path, output: Output, config: SinkConfig, life: str, *, is_synced: bool) -> None:
        """`life` names the loop and its life, `loop-1.7`."""
        self._folder = folder / SEGMENTS
        path = self._folder / f"{config.path}.{life}"
        self._lines = JsonLines(path, wants_of(config), sync=is_synced)
        self.name: str = f"{output.name}{BETWEEN}{life}"

    async def rewind(self, position: Position | None) -> None:
        await off_loop(make_inner_folder, self._folder)
        await self._lines.rewind(position)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        return await self._lines.write(outcomes)


@runtime_checkable
class Appending(Protocol):
    """A sink whose records are lines of JSON, which can be taken from segments as they are."""

    async def append(self, lines: bytes) -> Position:
        """Appends whole lines; returns the position behind them."""
        ...


class Left(NamedTuple):
    """A segment with settled records that are not in the output yet, or that may be removed."""

    name: str
    path: Path
    settled: int
    moved: int


def find_segments(folder: Path, output: str, positions: Mapping[str, Position]) -> list[Left]:
    """Returns the segments of an output, by the positions that are settled."""
    found = []
    for name, position in positions.items():
        if name.startswith(f"{output}{BETWEEN}") and position:
            [(file, settled)] = position.items()
            moved = positions.get(f"{_MOVED}{name}", {}).get("bytes", 0)
            found.append(Left(name, folder / SEGMENTS / file, settled, moved))
    return found


def moved_position(segment: Left, moved: int) -> dict[str, Position]:
    """Returns the position that says how far a segment is in the output."""
    return {f"{_MOVED}{segment.name}": {"bytes": moved}}


def names_of(segment: Left) -> list[str]:
    """Returns the names of all positions of a segment."""
    return [segment.name, f"{_MOVED}{segment.name}"]


async def move(segment: Left, sink: Sink) -> tuple[Position, int]:
    """Appends the next settled records of a segment to the output; returns its position, and how far the segment is in
    it."""
    assert isinstance(sink, Appending)
    lines = await off_loop(_read_lines, segment.path, segment.moved, segment.settled)
    return await sink.append(lines), segment.moved + len(lines)


async def clear(folder: Path) -> None:
    """Removes all segments. Nothing of them is wanted any more, and nobody writes to one."""
    await off_loop(_clear, folder / SEGMENTS)


def _read_lines(path: Path, start: int, end: int) -> bytes:
    """Returns whole lines from `start` on, some megabytes of them; `end` is the end of one."""
    with open(path, "rb", opener=opener) as file:
        file.seek(start)
        found = file.read(min(end - start, MOVED_AT_ONCE))
        if start + len(found) < end:
            found += file.readline()
    if not found.endswith(b"\n") or start + len(found) > end:
        raise SinkError(
            f"{path} is not as it was settled: it was cut or replaced from outside. Put it back, or start over with "
            "--fresh"
        )
    return found


def _clear(folder: Path) -> None:
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
