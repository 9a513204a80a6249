"""Keeps the past of a folder: the settings of each run, those that it was given anew, and what bound its speed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, nullcontext

from ..assembly import parts
from ..folder.folder import Folder
from ..metrics.course import keep_course
from ..metrics.metrics import Metrics
from ..proof import History, open_history
from ..protocols import Frontier
from ..runtime.private_files import owner
from ..runtime.threads import run_in_thread
from ..settings import Config
from ..settings.loading import chosen_settings, mask_value


@asynccontextmanager
async def begin_history(folder: Folder) -> AsyncIterator[History]:
    """Opens the history of a crawl folder, and notes that a run begins. Raises SinkError, StorageFull."""
    with ExitStack() as opened:
        yield await run_in_thread(_begin, folder, opened)


def _begin(folder: Folder, opened: ExitStack) -> History:
    history = opened.enter_context(open_history(folder.path))
    who = owner(os.geteuid())
    if not folder.is_new:
        history.note_changes([change for change in folder.changes if change.applies], who)
    settings = {key: mask_value(key, value) for key, value in chosen_settings(folder.config).items()}
    history.begin_run(settings, who)
    return history


def keep_course_of_run(
    folder: Folder | None, metrics: Metrics, config: Callable[[], Config]
) -> AbstractAsyncContextManager[None]:
    """Keeps in the folder what bounds a run as time goes on. Without a folder nothing is kept."""
    return nullcontext() if folder is None else keep_course(folder.path, metrics, lambda: parts.speed_terms(config()))


def keep_index_of_run(folder: Folder | None, frontier: Frontier, config: Config) -> AbstractAsyncContextManager[None]:
    """Keeps the index of a run's pages beside their records, where the settings ask for one."""
    if not config.search.index:
        return nullcontext()
    from ..search import keep_index  # noqa: PLC0415 - imported by crawls that keep one

    return keep_index(folder, frontier)
