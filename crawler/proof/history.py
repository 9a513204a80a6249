"""Keeps the history of a crawl's settings: what each run began with, and every change, when and by whom."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..runtime.clock import wall
from ..runtime.times import iso
from .chain import Chain

HISTORY = "settings.history"
"""The name of the file in a crawl folder."""
TITLE = "# crawld settings 1"


LONGEST_LINE = 1 << 22


class SettingChange(NamedTuple):
    """A setting that was changed."""

    key: str
    old: object
    new: object
    applies: bool
    """Whether it is in force at once; otherwise from the next run on."""


class HistoryEvent(NamedTuple):
    """The begin of a run, or a change of settings."""

    at: float
    """Unix seconds."""
    event: str
    """`run` or `change`."""
    who: str
    settings: Mapping[str, object]
    """The settings that were chosen for a run, by name; secrets are not shown."""
    changes: Sequence[SettingChange] = ()

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return {"at": iso(self.at), "who": self.who, "changes": [one._asdict() for one in self.changes]}


def read_history(folder: Path) -> Iterator[HistoryEvent]:
    """Yields the history of a crawl folder in order; lines that cannot be read are left out. Blocks. Raises OSError."""
    path = folder / HISTORY
    if not path.is_file():
        return
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            kind, _, rest = line.decode("ascii", "replace").partition(" ")
            at, _, text = rest.rpartition(" ")[0].partition(" ")
            with suppress(ValueError, KeyError, TypeError):
                if kind == "S":
                    yield _read(float(at), json.loads(text))


def _read(at: float, said: dict[str, Any]) -> HistoryEvent:
    changes = tuple(SettingChange(**one) for one in said.get("changes", ()))
    return HistoryEvent(at, str(said["event"]), str(said["who"]), dict(said.get("settings", {})), changes)


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
        self._chain.add(f"S {wall():.6f} {text}")
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
