"""The format `postgres`: a table of a PostgreSQL server, with a row for each final outcome; crawls may share it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, urlsplit

from ...errors import ConfigError
from ...protocols import Sink
from ...settings import SinkConfig
from ..columns import check_fields, columns_of
from ..record import wants_of
from ..secret_values import MARK, reveal
from ..sql import make_columns
from .tables import TableName

SCHEMES = ("postgresql", "postgres")


class PostgresOutput:
    """The output in the table `config.table` of the server `config.url`. It is not read back."""

    files: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    reader: None = None
    mender: None = None

    def __init__(self, folder: Path, config: SinkConfig, key: str = "sinks") -> None:
        """`key` names the settings of this output. Raises ConfigError for settings that cannot be used."""
        self._fields = check_fields(config.fields, f"{key}.fields")
        self._wants = wants_of(config)
        make_columns(self._fields or columns_of(self._wants), f"{key}.fields")
        self._config = config
        self._key = f"{key}.url"
        self.name: str = f"postgres:{config.table}"
        self.place: str = f"{MARK}..., table {config.table}"
        if not config.url:
            raise self._refuse("name the server: postgresql://user@host/database")
        if not config.url.startswith(MARK):
            self.place = self._describe(config.url)

    @asynccontextmanager
    async def open(self, *, is_synced: bool) -> AsyncIterator[Sink]:
        """Opens the sink. The server decides what survives a power cut; as it comes, everything does."""
        url = reveal(self._config.url, self._key)
        try:
            make = cast("Callable[..., Sink]", import_module(".writing", __package__).PostgresTable)
        except ModuleNotFoundError as error:
            if error.name != "asyncpg":
                raise
            raise self._refuse("needs the extra `postgres`: pip install 'crawld[postgres]'") from None
        sink = make(
            self.name, self._describe(url), url, TableName.read(self._config.table), self._fields, self._wants,
            self._config.give_up_s,
        )  # fmt: skip
        try:
            yield sink
        finally:
            await sink.close()  # type: ignore[attr-defined]

    def _describe(self, url: str) -> str:
        """Returns server, database and table, without the password. Raises ConfigError for a URL of something else."""
        try:
            parts = urlsplit(url)
            port = parts.port or 5432
        except ValueError:
            raise self._refuse(_FORM) from None  # its text has the URL
        if parts.scheme not in SCHEMES:
            raise self._refuse(_FORM)
        return f"postgresql://{parts.hostname or 'localhost'}:{port}{_path(parts)}, table {self._config.table}"

    def _refuse(self, words: str) -> ConfigError:
        return ConfigError(f"{self._key}: {words}", [self._key], [words])


_FORM = "should be like postgresql://user:password@host:5432/database, or name a variable of the environment: $NAME"


def _path(parts: SplitResult) -> str:
    return parts.path if parts.path.isprintable() else ""
