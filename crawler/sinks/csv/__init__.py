"""The format `csv`: a table with a row for each final outcome, in one file; with tabs if its name ends with `.tsv`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ...model import Position
from ...protocols import Sink
from ...settings import SinkConfig
from ..columns import check_fields
from ..growing import find_whole
from ..record import wants_of
from .writing import Table

__all__ = ["CsvOutput", "Table"]


class CsvOutput:
    """The output in the file `config.path` of a crawl folder. It is not read back."""

    reader: None = None
    mender: None = None

    def __init__(self, folder: Path, config: SinkConfig, key: str = "sinks") -> None:
        """`key` names the settings of this output. Raises ConfigError for a field that no record has."""
        self._path = folder / config.path
        self._fields = check_fields(config.fields, f"{key}.fields")
        self._wants = wants_of(config)
        self.name: str = f"csv:{config.path}"
        self.place: str = str(self._path)
        self.files: tuple[str, ...] = (config.path,)
        self.drafts: tuple[str, ...] = ()

    def find_finished(self, position: Position, *, is_over: bool) -> Sequence[str]:
        return find_whole(self._path, position, is_over=is_over)

    @asynccontextmanager
    async def open(self, *, is_synced: bool) -> AsyncIterator[Sink]:
        """Opens the sink. It always syncs: nothing else could tell which rows a power cut took."""
        yield Table(self.name, self._path, self._fields, self._wants)
