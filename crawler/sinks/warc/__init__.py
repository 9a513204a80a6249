"""The format `warc`: every exchange of the crawl as it went over the wire, in WARC 1.1 files (docs/archives.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import CancelScope

from ...model import Position
from ...protocols import Sink
from ...runtime.private_files import BESIDE, DRAFT
from ...settings import SinkConfig
from ...settings.warc import WarcConfig
from ...warc.earlier import NAME as EARLIER
from ...warc.journal import JOURNAL
from ...warc.names import find_files, read_name, serial_of
from ..growing import is_whole
from .index import SORTED
from .writing import INDEX, WarcSink

__all__ = ["WarcOutput", "WarcSink"]


class WarcOutput:
    """The output in the folder `config.path` of a crawl folder. Its records are not read back here."""

    reader: None = None
    mender: None = None

    def __init__(self, folder: Path, config: SinkConfig, settings: WarcConfig) -> None:
        self._folder = folder / config.path
        self._settings = settings
        self.name: str = f"warc:{config.path}"
        self.place: str = str(self._folder)
        index = f"{config.path}/{INDEX}"
        beside = [JOURNAL, SORTED, f"{SORTED}{DRAFT}", EARLIER, f"{EARLIER}{DRAFT}"]
        self.drafts: tuple[str, ...] = (
            index, *[f"{index}{end}" for end in BESIDE], *[f"{config.path}/{name}" for name in beside],
        )  # fmt: skip

    @property
    def files(self) -> Sequence[str]:
        """The names of the WARC files that are there. A crawl begins its first one with the first answer."""
        return [f"{self._folder.name}/{one.present_name}" for one in find_files(self._folder)]

    def find_finished(self, position: Position, *, is_over: bool) -> Sequence[str]:
        """Returns the WARC files before the newest settled one, and that one once it is closed and settled whole."""
        newest = read_name(max(position, key=serial_of, default=""))
        if newest is None:
            return []
        whole = [one for one in find_files(self._folder, newest.crawl) if not one.is_open]
        last = (self._folder / newest.name, position[newest.name])
        finished = [one for one in whole if one.serial < newest.serial or (one == newest and is_whole(*last))]
        return [f"{self._folder.name}/{one.name}" for one in finished]

    @asynccontextmanager
    async def open(self, *, is_synced: bool) -> AsyncIterator[Sink]:
        """Opens the sink. It is always synced: an archive that lost what was settled could not be mended."""
        sink = WarcSink(self.name, self._folder, self._settings)
        try:
            yield sink
        finally:
            with CancelScope(shield=True):
                await sink.close()
