"""Keeps the search index of a run up to date, where the settings ask for it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from ..folder.folder import Folder
from ..protocols import Frontier
from ..settings import Config


def follow_with_index(config: Config, folder: Folder | None, frontier: Frontier) -> AbstractAsyncContextManager[None]:
    """Lets the index of the folder follow what is settled while the block runs, if the settings ask for that."""
    if not config.search.index:
        return nullcontext()
    from ..search import keep_index  # noqa: PLC0415 - imported by crawls that keep one

    return keep_index(folder, frontier)
