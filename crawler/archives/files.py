"""Finds the WARC files in what a user names: files, folders, WACZ packages."""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from ..errors import ArchiveError, ConfigError
from ..runtime.nearest import did_you_mean_file
from ..warc.unpacking import Pieces, Window

ENDINGS = (".warc", ".warc.gz", ".warc.zst", ".wacz")
"""Endings of names that a folder is looked through for."""
OPEN = ".open"
"""The further ending of a file that a crawl writes to, or left behind when it was killed."""
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError, RuntimeError, KeyError, EOFError,
    ValueError, OverflowError,
)  # fmt: skip
"""Errors that the module raises for zip files that are damaged, locked, or packed in an unusual way."""
_LOCAL = struct.Struct("<4s22xHH")
"""The header of a file in a zip (APPNOTE.TXT 4.3.7), up to the lengths of its name and its extra field."""
_COPIED = 1 << 20
SETTING = "fetch.archives"


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A WARC file that was found."""

    name: str
    """For messages: its path, and behind it the name within a WACZ."""
    path: Path
    """The file that holds it."""
    member: str = ""
    """Its name in a WACZ. Empty: it is a file itself."""
    is_packed: bool = False
    """Whether the WACZ packs it once more, so that it is unpacked into a temporary file."""
    is_named: bool = True
    """Whether the user named it, or the WACZ that holds it; else a folder was looked through."""
    is_indexed: bool = False
    """Whether an index of somebody else tells where its records stand, so that it is not read for ours."""


def find_archives(places: Iterable[str | os.PathLike[str]]) -> list[ArchiveFile]:
    """Returns the WARC files in files, folders and WACZ packages. Those of a folder stand in the order of their names.

    Raises ConfigError for a place that is missing, cannot be read or holds none.
    """
    found: list[ArchiveFile] = []
    for place in map(Path, places):
        paths = list(_look_through(place)) if place.is_dir() else [place]
        if not paths:
            raise _error(f"{place}: no WARC or WACZ in this folder")
        for path in paths:
            found += _open_package(path, is_named=path is place)
    return found


def _look_through(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names) if name.removesuffix(OPEN).endswith(ENDINGS))


def _open_package(path: Path, *, is_named: bool) -> list[ArchiveFile]:
    """Returns the file itself, or the WARC files in it if it is a WACZ."""
    if path.exists() and not path.is_file():
        raise _error(
            f"{path}: no regular file: records are found again by their places, so write it to the disk before"
        )
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PK\3\4":
                return [ArchiveFile(str(path), path, is_named=is_named)]
        with zipfile.ZipFile(path) as package:
            found = [one for one in package.infolist() if one.filename.endswith(ENDINGS[:3])]
    except FileNotFoundError as error:
        raise _error(f"{path}: no such file{did_you_mean_file(path)}") from error
    except (OSError, *_DAMAGED) as error:
        raise _error(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not found:
        raise _error(f"{path}: a zip file without a WARC")
    return [
        ArchiveFile(f"{path}/{one.filename}", path, one.filename, one.compress_type != zipfile.ZIP_STORED, is_named)
        for one in sorted(found, key=lambda one: one.filename)
    ]


def open_window(one: ArchiveFile, stack: ExitStack) -> Window:
    """Opens a WARC file. One that is packed within its WACZ is unpacked into a temporary file before.

    Raises ArchiveError, OSError.
    """
    file = stack.enter_context(one.path.open("rb", buffering=0))
    if not one.member:
        return Window(file.fileno())
    try:
        with zipfile.ZipFile(file) as package:
            info = package.getinfo(one.member)
            if info.compress_type == zipfile.ZIP_STORED:
                start = _find_data(file, info)
                return Window(file.fileno(), start, start + info.file_size)
            aside = stack.enter_context(TemporaryFile(buffering=0))  # noqa: SIM115 - the stack closes it
            with package.open(info) as member:
                while piece := member.read(_COPIED):
                    aside.write(piece)
            return Window(aside.fileno())
    except _DAMAGED as error:
        raise ArchiveError(one.name, f"cannot be unpacked: {error}") from error


def unpack_window(window: Window, name: str, stack: ExitStack) -> Window:
    """Returns a window on a temporary file with the unpacked bytes: in one long stream nothing can be found again.

    A damage ends it; whoever reads the file found it before. Raises OSError.
    """
    aside = stack.enter_context(TemporaryFile(buffering=0))  # noqa: SIM115 - the stack closes it
    pieces = Pieces(window, name)
    try:
        while piece := pieces.read():
            aside.write(piece)
    except ArchiveError:
        pass
    return Window(aside.fileno())


def _find_data(file: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Returns the byte of the zip at which the file's own bytes begin."""
    head = os.pread(file.fileno(), _LOCAL.size, info.header_offset)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\3\4"):
        raise zipfile.BadZipFile("a file in it has no header")
    _, name_bytes, extra_bytes = _LOCAL.unpack(head)
    return int(info.header_offset + _LOCAL.size + name_bytes + extra_bytes)


def _error(words: str) -> ConfigError:
    return ConfigError(f"{SETTING}: {words}", [SETTING], [words])
