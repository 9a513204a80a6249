"""Begins the history of a run: the settings that it has, and those that it was given anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..folder.folder import Folder
from ..proof import History, open_history
from ..runtime.private_files import owner
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
