"""The format `jsonl`: one line of JSON for each final outcome, in one file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ...model import Position
from ...protocols import Sink
from ...runtime.private_files import DRAFT
from ...settings import SinkConfig
from ..growing import find_whole
from ..record import wants_of
from .mending import JsonLinesMender
from .reading import JsonLinesReader
from .writing import JsonLines

__all__ = ["JsonLines", "JsonLinesMender", "JsonLinesOutput", "JsonLinesReader"]


class JsonLinesOutput:
    """The output in the file `config.path` of a crawl folder."""

    def __init__(self, folder: Path, config: SinkConfig) -> None:
        self._path = folder / config.path
        self._wants = wants_of(config)
        self.name: str = f"jsonl:{config.path}"
        self.place: str = str(self._path)
        self.files: tuple[str] = (config.path,)
        self.drafts: tuple[str] = (f"{config.path}{DRAFT}",)
        self.reader: JsonLinesReader = JsonLinesReader(self._path)
        self.mender: JsonLinesMender = JsonLinesMender(self._path)

    def find_finished(self, position: Position, *, is_over: bool) -> Sequence[str]:
        return find_whole(self._path, position, is_over=is_over)

    @asynccontextmanager
    async def open(self, *, is_synced: bool) -> AsyncIterator[Sink]:
        yield JsonLines(self._path, self._wants, sync=is_synced)
