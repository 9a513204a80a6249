"""Keeps what sites say about the use of their content in a file of its own, each statement once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from ..model import Outcome, Position, Statement
from ..runtime.private_files import make_inner_folder, opener
from ..runtime.times import iso
from .jsonl.writing import JsonLines, off_loop
from .segments import BETWEEN, SEGMENTS

NAME = "preferences"
FILE = "preferences.jsonl"
MOST_KNOWN = 100_000
"""Statements that are remembered. Beyond, one may stand in the file twice."""


class PreferencesFile:
    """Implements Sink: one line for each new statement of a site, with the first URL that it came with."""

    def __init__(self, folder: Path, *, is_synced: bool, life: str = "") -> None:
        """`life` names a life of one event loop among several: its file is a segment (`segments`)."""
        self.name = f"{NAME}{BETWEEN}{life}" if life else NAME
        self._folder = folder / SEGMENTS if life else folder
        self._file = JsonLines(self._folder / (f"{FILE}.{life}" if life else FILE), sync=is_synced)
        self._known: set[tuple[str, Statement]] = set()

    async def rewind(self, position: Position | None) -> None:
        await off_loop(make_inner_folder, self._folder)
        await self._file.rewind(position)
        self._known = await off_loop(_read, self._file.path)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        return await self._file.append(b"".join([self._lines(one) for one in outcomes if one.usage]))

    async def append(self, lines: bytes) -> Position:
        """Appends those lines of a segment whose statements are not in the file yet."""
        fresh = [line for line in lines.splitlines(keepends=True) if self._is_new(*_read_line(line))]
        return await self._file.append(b"".join(fresh))

    def _lines(self, outcome: Outcome) -> bytes:
        site, lines = outcome.url.site, []
        for one in outcome.usage:
            if self._is_new(site, one):
                said = {"site": site, **one._asdict(), "url": outcome.url.text, "at": iso(outcome.visited_at)}
                lines.append(orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE))
        return b"".join(lines)

    def _is_new(self, site: str, statement: Statement) -> bool:
        """Whether a statement is not in the file yet; notes it."""
        if (site, statement) in self._known:
            return False
        if len(self._known) < MOST_KNOWN:
            self._known.add((site, statement))
        return True


def _read(path: Path) -> set[tuple[str, Statement]]:
    """Returns the statements that a file has. Blocks."""
    with open(path, "rb", opener=opener) as file:
        return set(map(_read_line, file))


def _read_line(line: bytes) -> tuple[str, Statement]:
    said = orjson.loads(line)
    return said["site"], Statement(*(said[name] for name in Statement._fields))
