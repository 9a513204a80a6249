"""A disk that forgets: the writes of a real crawl, and what of them is left where the power is cut at some instant.

`disk.c` notes the writes. A power cut keeps what was synced; of the rest it keeps anything: all, nothing, some of the
sectors. Names are kept in the order they were changed, as journals keep them, and surely once their folder was synced.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

HERE = Path(__file__).parent
COMPILER = shutil.which("cc") or ""
SECTOR = 512
"""A disk writes so much whole or not at all."""


class Note(NamedTuple):
    """One thing that was done to the disk."""

    what: str
    """`write`, `cut`, `sync`, `make`, `mkdir`, `rename` or `unlink`."""
    at: int
    """Where was written, or how long the file is after a cut."""
    path: str
    other: str
    """The new name."""
    data: bytes


@cache
def library(folder: Path) -> Path:
    """`disk.c`, compiled."""
    built = folder / "disk.so"
    command = [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(built), str(HERE / "disk.c"), "-ldl"]
    subprocess.run(command, check=True)
    return built


def environment(library: Path, folder: Path, notes: Path) -> Mapping[str, str]:
    """What makes a process note what it does below the folder."""
    told = {"LD_PRELOAD": str(library), "DISK_FOLDER": str(folder), "DISK_NOTES": str(notes)}
    return {**os.environ, **told}


def read_notes(path: Path) -> list[Note]:
    return list(_parsed(path.read_bytes()))


def _parsed(text: bytes) -> Iterator[Note]:
    at = 0
    while at < len(text):
        end = text.index(b"\n", at)
        what, where, size, path, other = text[at:end].decode().split("\t")
        at = end + 1 + int(size)
        yield Note(what, int(where), path, other, text[end + 1 : at])


@dataclass(eq=False)
class File:
    """Its bytes as the disk is sure to have them, and what was done to it since."""

    synced: bytes = b""
    since: list[Note] = field(default_factory=list)
    earlier: bytes = b""
    """As they were synced the last time but one: whoever waits for a sync before it goes on is done with these."""
    is_fresh: bool = True

    def sync(self) -> None:
        self.earlier, self.is_fresh = b"" if self.is_fresh else self.synced, False
        self.synced, self.since = _applied(self.synced, self.since), []

    def after(self, chance: Random) -> bytes:
        """What a power cut leaves."""
        how = chance.choice(("all", "nothing", "some", "some", "first"))
        if how == "first":
            return _applied(self.synced, self.since[: chance.randint(0, len(self.since))])
        if how == "some":
            return _applied(self.synced, [part for note in self.since for part in _torn(note, chance)])
        return _applied(self.synced, self.since if how == "all" else [])


@dataclass
class Disk:
    """Names and files, as the system sees them and as the disk is sure to have them."""

    live: dict[str, File | None] = field(default_factory=dict)
    """None: a folder."""
    synced: dict[str, File | None] = field(default_factory=dict)
    since: list[tuple[Note, File | None]] = field(default_factory=list)
    """Changes of names that no folder's sync has covered."""

    def do(self, note: Note) -> None:
        file = self.live.get(note.path)
        if note.what == "sync":
            self._sync(note.path)
        elif note.what in ("write", "cut"):
            if file is not None:  # else it was unlinked
                file.since.append(note)
        else:
            made = File() if note.what == "make" else file
            self.since.append((note, made))
            _rename(self.live, note, made)

    def _sync(self, path: str) -> None:
        if (file := self.live.get(path)) is not None:
            file.sync()
            return
        for note, made in self.since:
            if _folder(note) == path:
                _rename(self.synced, note, made)
        self.since = [change for change in self.since if _folder(change[0]) != path]

    def cut_power(self, chance: Random, root: Path, into: Path) -> None:
        """Write what is left of `root` into another folder."""
        names = dict(self.synced)
        for folder in {_folder(note) for note, _ in self.since}:
            changes = [change for change in self.since if _folder(change[0]) == folder]
            for note, made in changes[: chance.randint(0, len(changes))]:
                _rename(names, note, made)
        for path, file in sorted(names.items()):
            target = into / Path(path).relative_to(root)
            if file is None:
                target.mkdir(parents=True, exist_ok=True)
            elif target.parent.exists():
                target.write_bytes(file.after(chance))


def found(root: Path) -> Disk:
    """The disk with what stands below a folder, all of it synced."""
    paths = [root, *root.rglob("*")]
    names: dict[str, File | None] = {str(path): File(path.read_bytes()) if path.is_file() else None for path in paths}
    return Disk(dict(names), names)


def copied(disk: Disk) -> Disk:
    """The same disk, of which something else may become: all of it is synced."""
    files = {path: file and File(file.synced) for path, file in disk.synced.items()}
    return Disk(dict(files), files)


def _rename(names: dict[str, File | None], note: Note, file: File | None) -> None:
    if note.what in ("rename", "unlink"):
        names.pop(note.path, None)
    if note.what == "rename":
        names[note.other] = file
    elif note.what in ("make", "mkdir"):
        names[note.path] = file if note.what == "make" else None


def _folder(note: Note) -> str:
    return os.path.dirname(note.other or note.path)


def _applied(whole: bytes, notes: Sequence[Note]) -> bytes:
    file = bytearray(whole)
    for note in notes:
        if note.what == "cut":
            del file[note.at :]
            file.extend(bytes(note.at - len(file)))
        else:
            file.extend(bytes(max(0, note.at + len(note.data) - len(file))))
            file[note.at : note.at + len(note.data)] = note.data
    return bytes(file)


def _torn(note: Note, chance: Random) -> Iterator[Note]:
    """Some of its sectors."""
    if note.what == "cut" or chance.random() < 0.3:
        yield note
        return
    at, end = note.at, note.at + len(note.data)
    keeps = chance.random()
    while at < end:
        upto = min(end, (at // SECTOR + 1) * SECTOR)
        if chance.random() < keeps:
            yield note._replace(at=at, data=note.data[at - note.at : upto - note.at])
        at = upto
