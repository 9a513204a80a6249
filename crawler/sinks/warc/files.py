"""Appends WARC records to the files of one crawl, rolls over, and cuts the files back to a settled position."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ...errors import SinkError
from ...model import Capture, Position
from ...runtime.clock import wall
from ...runtime.files import sync_file, sync_folder
from ...runtime.private_files import check_place, make_inner_folder, opener
from ...warc.names import OPEN, WarcFile, find_files, make_name, read_name, serial_of

FLUSH_BYTES = 1 << 20
"""Bytes of records that are written at once: a call for each exchange cost a third of what the bytes do."""


class WarcFiles:
    """The WARC files of one crawl in a folder. All calls block. They raise OSError; SinkError for files that changed.

    A file is called `NAME.open` until it is full or the run ends. A position names the newest file and its length;
    those before it never change.
    """

    def __init__(
        self,
        folder: Path,
        prefix: str,
        crawl_id: str,
        max_bytes: int,
        begin: Callable[[str], bytes],
    ) -> None:
        """`begin` returns the first record of the file with this name."""
        self._folder = folder
        self._prefix = prefix
        self._crawl_id = crawl_id
        self._max_bytes = max_bytes
        self._begin = begin
        self._file: int | None = None
        self._name = ""
        self.serial: int = -1
        """The number of the newest file; -1: there is none yet."""
        self.length: int = 0
        """The settled length of that file when the crawl was opened."""
        self._members: list[bytes] = []
        """Records that are not written yet, the last ones of the open file."""
        self._end = 0
        """The length of the open file with them."""
        self._written = 0
        """Its length without them."""
        self._safe = 0
        """The length of the open file that a position has named; 0: none has yet."""
        self._position: Position = {}

    def cut_back(self, position: Position) -> None:
        """Removes all that was written after the position; an empty one removes all files of this crawl."""
        name, length = max(position.items(), key=lambda item: serial_of(item[0]), default=("", 0))
        settled = read_name(name)
        self.serial, self.length = (settled.serial if settled else -1), length
        self._position = position
        found = find_files(self._folder, self._crawl_id)
        for one in found:
            if one.serial > self.serial:
                (self._folder / one.present_name).unlink()
            elif one.is_open and one.serial < self.serial:  # the power went before its new name was on the disk
                (self._folder / one.present_name).rename(self._folder / one.name)
        if settled:
            self._continue(next((one for one in found if one.serial == self.serial), settled), length)
        if found:
            sync_folder(self._folder)

    def append(self, members: Sequence[bytes], *, at: int = 0) -> Capture:
        """Takes records that belong together, which `flush` writes; returns the place of the one with the number `at`.

        A few may be written at once.
        """
        if self._file is None or self._end >= self._max_bytes:
            self._finish()
            self._start()
        place = Capture(self._name, self._end + sum(map(len, members[:at])), len(members[at]))
        self._members += members
        self._end += sum(map(len, members))
        if self._end - self._written >= FLUSH_BYTES:
            self.flush()
        return place

    def flush(self) -> None:
        """Writes the records that were appended. If that fails, the file has none of them."""
        members, self._members = self._members, []
        begun = self._written
        try:
            self._write(b"".join(members))
        except OSError:
            self._drop_after(begun)
            raise

    def sync(self) -> Position:
        """Returns the position after the last record, which survives a power cut from now on."""
        self.flush()
        if self._file is not None and self._end > self._safe:
            sync_file(self._file)
            self._safe = self._end
            self._position = {self._name: self._end}
        return self._position

    @property
    def position(self) -> Position:
        """The position that `sync` returned last."""
        return self._position

    @property
    def has_news(self) -> bool:
        """Whether something was written after that."""
        return self._file is not None and self._end > self._safe

    def close(self) -> None:
        """Gives the open file its final name. Records that no position has named are removed: they come again."""
        if self._file is None:
            return
        if self._safe:
            self._drop_after(self._safe)
            self._finish()
        else:
            self._close_file()
            self._open_path.unlink()

    # -- one file ----------------------------------------------------------------------------------------------------

    @property
    def _open_path(self) -> Path:
        return self._folder / f"{self._name}{OPEN}"

    def _continue(self, settled: WarcFile, length: int) -> None:
        """Takes the newest file up again if it is not whole: it is open, or was closed after it became longer."""
        place = self._folder / settled.present_name
        status = check_place(place)
        size = status.st_size if status else 0
        if size < length:
            raise SinkError(
                f"{place} is {size} bytes long, but {length} were settled: it was cut or replaced from outside. "
                f"Put it back, or start over with --fresh"
            )
        if not settled.is_open and size == length:
            return
        self._name, self._end, self._written, self._safe = settled.name, length, length, length
        if not settled.is_open:
            place.rename(self._open_path)
        self._open()
        os.ftruncate(self._descriptor, length)

    def _start(self) -> None:
        """Begins a new file with its first record."""
        make_inner_folder(self._folder)
        serial = self.serial + 1
        self._name = make_name(self._prefix, wall(), serial, self._crawl_id)
        self._end = self._written = self._safe = 0
        self._open()
        try:
            self._write(self._begin(self._name))
            self._end = self._written
        except OSError:
            self._close_file()
            self._open_path.unlink()
            raise
        self.serial = serial
        sync_folder(self._folder)
        sync_folder(self._folder.parent)  # which may have got its name just now

    def _finish(self) -> None:
        """Closes the open file, if there is one, under its final name."""
        if self._file is None:
            return
        self.flush()
        sync_file(self._file)
        self._close_file()
        self._open_path.rename(self._folder / self._name)
        sync_folder(self._folder)

    def _open(self) -> None:
        self._file = opener(self._open_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def _close_file(self) -> None:
        file, self._file = self._descriptor, None
        os.close(file)

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            raise ValueError("no WARC file is open")
        return self._file

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._descriptor, view)
            self._written += written
            view = view[written:]

    def _drop_after(self, length: int) -> None:
        """Cuts the open file, so that it ends with a whole record."""
        self._members = []
        with suppress(OSError):  # else it is cut when the crawl is opened again
            os.ftruncate(self._descriptor, length)
            self._end = self._written = length
