"""The format `parquet`: a folder of Parquet files, each made of settled records and never changed again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from anyio import create_task_group

from ...errors import ConfigError
from ...model import Position
from ...protocols import Sink
from ...runtime.private_files import DRAFT
from ...settings import SinkConfig
from ..columns import check_fields
from ..record import wants_of
from ..spool import Place, Spool
from .parts import Parts
from .writing import Limits, Parquet

RECORDS, PART_BYTES, AGE_S = 100_000, 256 << 20, 600.0
"""The usual bounds of one file: records, bytes of these as JSON, and seconds that a record waits for others."""


class ParquetOutput:
    """The output in the folder `config.path` of a crawl folder. It is not read back."""

    reader: None = None
    mender: None = None

    def __init__(self, folder: Path, config: SinkConfig, key: str = "sinks") -> None:
        """`key` names the settings of this output. Raises ConfigError for a field that no record has."""
        self._folder = folder / config.path
        self._config = config
        self._key = f"{key}.kind"
        self._parts = Parts(self._folder, check_fields(config.fields, f"{key}.fields"))
        self.name: str = f"parquet:{config.path}"
        self.place: str = str(self._folder)

    @property
    def files(self) -> tuple[str, ...]:
        spool = Spool(self._folder)
        waiting = (spool.path(number).name for number in spool.segments() or (1,))
        made = (self._parts.path(number).name for number in self._parts.numbers())
        return tuple(f"{self._config.path}/{name}" for name in (*waiting, *made))

    @property
    def drafts(self) -> tuple[str, ...]:
        last = max(self._parts.numbers(), default=0)
        return tuple(f"{self._config.path}/{self._parts.path(n).name}{DRAFT}" for n in range(max(1, last), last + 3))

    def find_finished(self, position: Position, *, is_over: bool) -> Sequence[str]:
        """Returns all Parquet files: each is made of settled records, and never changed again."""
        last = Place.read(position).segment
        return [f"{self._config.path}/{self._parts.path(n).name}" for n in self._parts.numbers() if n <= last]

    @asynccontextmanager
    async def open(self, *, is_synced: bool) -> AsyncIterator[Sink]:
        """Opens the sink, which makes files beside the crawl. It always syncs. Raises ConfigError without DuckDB."""
        if find_spec("duckdb") is None:
            words = "needs the extra `analytics`: pip install 'crawld[analytics]'"
            raise ConfigError(f"{self._key}: {words}", [self._key], [words])
        config = self._config
        limits = Limits(config.batch or RECORDS, config.batch_bytes or PART_BYTES, config.batch_s or AGE_S)
        trouble: BaseException | None = None  # raised outside of the group, which would put it into one of its own
        async with create_task_group() as tasks:
            sink = Parquet(self.name, Spool(self._folder), self._parts, wants_of(config), limits, tasks)
            try:
                yield sink
                await sink.close()
            except BaseException as error:  # noqa: BLE001 - it goes on below
                trouble = error
        if trouble is not None:
            raise trouble
