"""Keeps records in numbered files until something is made of them, and cuts them back to what was settled."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from ..errors import SinkError
from ..model import Position
from ..runtime.files import sync_file, sync_folder
from ..runtime.private_files import check_place, make_inner_folder, opener

_NAME = re.compile(r"waiting-(\d{6,9})\.jsonl")
SEGMENT, BYTES = "segment", "bytes"


class Place(NamedTuple):
    """A place between two records."""

    segment: int
    """The number of the file, from 1 on."""
    bytes: int
    """The bytes before it in that file."""

    @classmethod
    def read(cls, position: Position | None) -> Place:
        """Returns the place that a position names; None: the beginning."""
        return cls(position[SEGMENT], position[BYTES]) if position else cls(1, 0)

    @property
    def position(self) -> Position:
        return {SEGMENT: self.segment, BYTES: self.bytes}


class Spool:
    """The files in one folder. All that was appended survives a power cut. Its methods block and raise OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.end: Place = Place(1, 0)
        """The place after the last record."""

    def path(self, segment: int) -> Path:
        return self.folder / f"waiting-{segment:06d}.jsonl"

    def segments(self) -> list[int]:
        """Returns the numbers of the files that there are."""
        if not self.folder.is_dir():
            return []
        found = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(one[1]) for one in found if one)

    def cut(self, end: Place, *, may_be_gone: bool) -> None:
        """Removes all that is after a place. Raises SinkError if records before it are gone that nobody made use of.

        `may_be_gone`: its last file may be missing, for all its records were used.
        """
        make_inner_folder(self.folder)
        for segment in self.segments():
            if segment > end.segment:
                self.path(segment).unlink()
        status = check_place(self.path(end.segment))
        size = status.st_size if status else 0
        if size > end.bytes:
            with open(self.path(end.segment), "ab", opener=opener) as file:
                file.truncate(end.bytes)
        elif size < end.bytes and not (may_be_gone and status is None):
            raise SinkError(
                f"{self.path(end.segment)} is {size} bytes long, but {end.bytes} were settled: it was cut or removed "
                f"from outside. Put it back, or start over with --fresh"
            )
        sync_folder(self.folder)
        self.end = end

    def append(self, lines: bytes, *, begins_file: bool = False) -> Place:
        """Adds records, to a new file if asked; returns the place after them."""
        segment, length = (self.end.segment + 1, 0) if begins_file else self.end
        with open(self.path(segment), "ab", buffering=0, opener=opener) as file:
            if file.tell() != length:
                raise SinkError(f"{self.path(segment)} was changed by another program while the crawl wrote to it")
            view = memoryview(lines)
            while view:
                view = view[os.write(file.fileno(), view) :]
            sync_file(file.fileno())
        if not length:
            sync_folder(self.folder)
        self.end = Place(segment, length + len(lines))
        return self.end

    def read(self, start: Place, end: int, most_records: int, most_bytes: int) -> list[bytes]:
        """Returns records of one file from a place up to byte `end`: one at least, unless there is none."""
        lines: list[bytes] = []
        left = most_bytes
        with open(self.path(start.segment), "rb", opener=opener) as file:
            file.seek(start.bytes)
            at = start.bytes
            while at < end and len(lines) < most_records:
                line = file.readline()
                if not line or (lines and len(line) > left):
                    break
                lines.append(line)
                at, left = at + len(line), left - len(line)
        return lines

    def remove(self, segment: int) -> None:
        """Removes a file whose records were used."""
        self.path(segment).unlink(missing_ok=True)
