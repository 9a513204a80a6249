"""The format `sqlite`: a database with the table `pages`, which has a row for each final outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ...protocols import Sink
from ...runtime.private_files import BESIDE
from ...settings import SinkConfig
from ..columns import check_fields
from ..record import wants_of
from ..sql import make_columns
from .writing import Database

__all__ = ["Database", "SqliteOutput"]


class SqliteOutput:
    """The output in the database `config.path` of a crawl folder. It is not read back."""

    reader: None = None
    mender: None = None

    def __init__(self, folder: Path, config: SinkConfig, key: str = "sinks") -> None:
        """`key` names the settings of this output. Raises ConfigError for fields that make no table."""
        self._path = folder / config.path
        self._fields = check_fields(config.fields, f"{key}.fields")
        make_columns(self._fields, f"{key}.fields")
        self._wants = wants_of(config)
        self.name: str = f"sqlite:{config.path}"
        self.place: str = str(self._path)
        self.files: tuple[str, ...] = (config.path,)
        self.drafts: tuple[str, ...] = tuple(f"{config.path}{end}" for end in BESIDE)

    @asynccontextmanager
    async def open(self, *, is_synced: bool) -> AsyncIterator[Sink]:
        """Opens the sink. It always syncs: nothing else could tell which rows a power cut took."""
        sink = Database(self.name, self._path, self._fields, self._wants)
        try:
            yield sink
        finally:
            await sink.close()
