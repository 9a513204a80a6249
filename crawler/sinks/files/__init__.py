"""The format `files`: bodies as files, each once, named by their content, and a list of them (docs/archives.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ...protocols import Sink
from ...settings import SinkConfig
from .saving import DRAFT_NAME, LIST, SavedFiles

__all__ = ["FilesOutput", "SavedFiles"]


class FilesOutput:
    """The output in the folder `config.path` of a crawl folder. Its list is not read back here."""

    reader: None = None
    mender: None = None

    def __init__(self, folder: Path, config: SinkConfig, most_bytes: int) -> None:
        """`most_bytes`: of a body without its content coding."""
        self._folder = folder / config.path
        self._types = frozenset(config.types or ("all",))
        self._most_bytes = most_bytes
        self.name: str = f"files:{config.path}"
        self.place: str = str(self._folder)
        self.files: tuple[str, ...] = (f"{config.path}/{LIST}",)
        self.drafts: tuple[str, ...] = (f"{config.path}/{DRAFT_NAME}",)

    @asynccontextmanager
    async def open(self, *, is_synced: bool) -> AsyncIterator[Sink]:
        """Opens the sink. It holds nothing open."""
        yield SavedFiles(self.name, self._folder, self._types, self._most_bytes, sync=is_synced)
