"""Keeps what sites say about the use of their content in a file of its own, each statement once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from ..model import Outcome, Position, Statement
from ..runtime.private_files import opener
from ..runtime.times import iso
from .jsonl.writing import JsonLines, off_loop

FILE = "preferences.jsonl"
MOST_KNOWN = 100_000
"""Statements that are remembered. Beyond, one may stand in the file twice."""


class PreferencesFile:
    """Implements Sink: one line for each new statement of a site, with the first URL that it came with."""

    def __init__(self, folder: Path, *, is_synced: bool) -> None:
        self.name = "preferences"
        self._file = JsonLines(folder / FILE, sync=is_synced)
        self._known: set[tuple[str, Statement]] = set()

    async def rewind(self, position: Position | None) -> None:
        await self._file.rewind(position)
        self._known = await off_loop(_read, self._file.path)

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        return await self._file.append(b"".join([self._lines(one) for one in outcomes if one.usage]))

    def _lines(self, outcome: Outcome) -> bytes:
        site, lines = outcome.url.site, []
        for one in outcome.usage:
            if (site, one) not in self._known:
                if len(self._known) < MOST_KNOWN:
                    self._known.add((site, one))
                said = {"site": site, **one._asdict(), "url": outcome.url.text, "at": iso(outcome.visited_at)}
                lines.append(orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE))
        return b"".join(lines)


def _read(path: Path) -> set[tuple[str, Statement]]:
    """Returns the statements that a file has. Blocks."""
    with open(path, "rb", opener=opener) as file:
        return {
            (said["site"], Statement(*(said[name] for name in Statement._fields))) for said in map(orjson.loads, file)
        }
