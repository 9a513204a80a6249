"""Keeps the past of a folder: the settings of each run, those that it was given anew, and what bound its speed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext

from ..assembly import parts
from ..folder.folder import Folder
from ..metrics.course import keep_course
from ..metrics.metrics import Metrics
from ..proof import History, open_history
from ..protocols import Frontier
from ..runtime.private_files import owner
from ..settings import Config
from ..settings.loading import chosen_settings, mask_value


@contextmanager
def begin_history(folder: Folder) -> Iterator[History]:
    """Opens the history of a crawl folder, and notes that a run begins. Raises SinkError, StorageFull."""
    who = owner(os.geteuid())
    with open_history(folder.path) as history:
        if not folder.is_new:
            history.note_changes([change for change in folder.changes if change.applies], who)
        settings = {key: mask_value(key, value) for key, value in chosen_settings(folder.config).items()}
        history.begin_run(settings, who)
        yield history


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
