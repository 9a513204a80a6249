"""Keeps what a run leaves in its folder beside records: the index for searching, and what bound its speed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from ..assembly import parts
from ..folder.folder import Folder
from ..metrics.course import keep_course
from ..metrics.metrics import Metrics
from ..protocols import Frontier
from ..settings import Config


def keep_course_of_run(
    folder: Folder | None, metrics: Metrics, config: Callable[[], Config]
) -> AbstractAsyncContextManager[None]:
    """Keeps in the folder what bounds a run as time goes on. Without a folder nothing is kept."""
    return nullcontext() if folder is None else keep_course(folder.path, metrics, lambda: parts.speed_terms(config()))


def keep_index_of_run(folder: Folder | None, config: Config, frontier: Frontier) -> AbstractAsyncContextManager[None]:
    """Keeps the index for `crawl search` up to date, if the settings ask for one."""
    if not config.search.index:
        return nullcontext()
    from ..search import keep_index  # noqa: PLC0415 - imported by crawls that keep one

    return keep_index(folder, frontier)
