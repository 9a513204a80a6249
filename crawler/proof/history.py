"""Keeps the history of a crawl's settings: what each run began with, and every change, when and by whom."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .chain import Chain

HISTORY = "settings.history"
"""The name of the file in a crawl folder."""
TITLE = "# crawld settings 1"


class History:
    """Appends to the history of one folder. Calls block for a moment, and what they wrote survives the process."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def begin_run(self, settings: Mapping[str, object], who: str) -> None:
        """Notes that a run begins with these settings, without secrets. Raises SinkError, StorageFull."""
        self._write("run", {"who": who, "settings": settings})

    def note_changes(self, changes: Iterable[tuple[str, object, object, bool]], who: str) -> None:
        """Notes changes: each the name of a setting, its old and new value, and whether it is in force now."""
        told = [{"key": key, "old": old, "new": new, "applies": applies} for key, old, new, applies in changes]
        if told:
            self._write("change", {"who": who, "changes": told})

    def _write(self, what: str, said: Mapping[str, object]) -> None:
        text = json.dumps({"event": what, **said}, default=_plain, separators=(",", ":"), sort_keys=True)
        self._chain.add(f"S {time.time():.6f} {text}")
        self._chain.flush()


@contextmanager
def open_history(folder: Path) -> Iterator[History]:
    """Opens the history of a crawl folder. Blocks. Raises SinkError, StorageFull."""
    chain = Chain(folder / HISTORY, TITLE)
    chain.open()
    try:
        yield History(chain)
    finally:
        chain.close()


def _plain(value: object) -> object:
    """Returns a value of a setting as JSON takes it."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", exclude_unset=True) if dump else list(value) if isinstance(value, tuple) else str(value)
