"""Puts together what the nodes of a crawl wrote: records, WARC files with one index (CDXJ), each as far as settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, NamedTuple

import orjson

from ..errors import ConfigError, FolderError
from ..export.target import open_target, open_target_folder
from ..model import Position
from ..remote import open_object
from ..runtime.private_files import opener
from ..warc.cdxj import make_line
from ..warc.indexing import index_file
from ..warc.names import WarcFile, find_files, read_name
from ..warc.sorting import sort_lines
from ..warc.unpacking import Window

INDEX = "index.cdxj"
BUFFER = 1 << 18
_HAS_PLACE = b'"warc":{'


class Part(NamedTuple):
    """One WARC file of a node."""

    node: str
    name: str
    """Its name once it is whole: no two nodes have the same one."""
    path: Path
    length: int
    """Bytes that are settled."""


class MergedArchives(NamedTuple):
    """WARC files that were put together."""

    files: int
    bytes: int
    captures: int
    """Lines of the index."""


def merge_records(parts: Sequence[tuple[Path, int]], settled: int, into: Path | str | None) -> int:
    """Writes the settled records of files; returns their number. None: to standard output. Blocks.

    Raises FolderError if there are fewer than visits were settled, SinkError, StorageFull.
    """
    records = 0
    with open_target(into) as file:
        for path, length in parts:
            with open(path, "rb", opener=opener) as source:
                left = length
                while left > 0 and (block := source.read(min(left, BUFFER))):
                    left -= len(block)
                    records += block.count(b"\n")
                    file.write(block)
        if records < settled:
            raise FolderError(f"{records:,} records are here, but {settled:,} visits were settled: files were changed")
    return records


def find_archives(
    positions: Mapping[str, Position], homes: Sequence[Path], places: Sequence[str], lack: Callable[[str, str], str]
) -> list[Part]:
    """Returns the WARC files of all nodes, by the positions of their outputs, in the order of their names.

    `places` are the folders of the outputs; `lack` words what is to be done about a file that is not here. Blocks.
    Raises FolderError for a file that is missing or short.
    """
    found: dict[str, Part] = {}
    for full, position in positions.items():
        node, _, output = full.partition("/")
        place = output.removeprefix("warc:")
        newest = max((one for name in position if (one := read_name(name))), key=lambda one: one.serial, default=None)
        if not output.startswith("warc:") or place not in places or newest is None:
            continue
        folders = [home / node / place for home in homes]
        for part in _find_of_node(node, folders, newest, position[newest.name], lack):
            if part.name in found:
                raise FolderError(f"{part.path} has the name of {found[part.name].path}: merge crawls one by one")
            found[part.name] = part
    return [found[name] for name in sorted(found)]


def _find_of_node(
    node: str, folders: Sequence[Path], newest: WarcFile, length: int, lack: Callable[[str, str], str]
) -> Iterator[Part]:
    """Yields all files of a node up to the newest settled one."""
    copies: dict[int, list[tuple[WarcFile, Path]]] = {}
    for folder in folders:
        for one in find_files(folder, newest.crawl):
            copies.setdefault(one.serial, []).append((one, folder / one.present_name))
    for serial in range(newest.serial + 1):
        there = copies.get(serial, [])
        wanted = length if serial == newest.serial else max((_size(path) for _, path in there), default=0)
        whole = [(one, path) for one, path in there if _size(path) >= wanted > 0]
        if not whole:
            what = f"the WARC file {serial:05d} of the node {node} is not here, or short ({folders[0]})"
            raise FolderError(lack(what, node))
        one, path = whole[0]
        yield Part(node, one.name, path, wanted)


def _size(path: Path) -> int:
    return path.stat().st_size


def merge_archives(parts: Sequence[Part], records: Iterator[bytes], into: Path | str) -> MergedArchives:
    """Writes the files and their index into a new folder, or below the URL of an object store. Blocks.

    `records` are the records of the crawl: where one names a place that the files do not have, they are short. Raises
    FolderError, ArchiveError for a file that cannot be read, SinkError, StorageFull, ConfigError.
    """
    check_places(parts, records)
    with ExitStack() as stack:
        place, scratch = stack.enter_context(_open_place(into))
        captures = 0

        def lines() -> Iterator[bytes]:
            for part in parts:
                with open(part.path, "rb", buffering=0, opener=opener) as file:
                    with place(part.name) as copy:
                        _copy(file, copy, part)
                    for entry in index_file(Window(file.fileno(), 0, part.length), part.name):
                        yield make_line(entry)

        with sort_lines(lines(), scratch) as in_order, place(INDEX) as index:
            for line in in_order:
                captures += 1
                index.write(line)
    return MergedArchives(len(parts), sum(part.length for part in parts), captures)


def check_places(parts: Sequence[Part], records: Iterator[bytes]) -> None:
    """Raises FolderError where a record names a capture that is in none of the files."""
    sizes = {part.name: part.length for part in parts}
    for line in records:
        if _HAS_PLACE not in line:
            continue
        record = orjson.loads(line)
        place = record.get("warc")
        if place and place["offset"] + place["length"] > sizes.get(place["filename"], 0):
            raise FolderError(
                f"the answer of {record['url']} should be in {place['filename']}, at byte {place['offset']:,}, and is"
                " not there: files were cut, or are of another node"
            )


def _copy(file: IO[bytes], copy: IO[bytes], part: Part) -> None:
    left = part.length
    while left > 0 and (block := file.read(min(left, BUFFER))):
        copy.write(block)
        left -= len(block)
    if left:
        raise FolderError(f"{part.path} became shorter while it was read")


Place = Callable[[str], AbstractContextManager[IO[bytes]]]


@contextmanager
def _open_place(into: Path | str) -> Iterator[tuple[Place, Path]]:
    """Yields what opens a file by its name in the new place, and a folder for temporary files."""
    if isinstance(into, Path):
        with open_target_folder(into) as folder:
            yield lambda name: open(folder / name, "xb", opener=opener), folder  # noqa: SIM115 - the caller closes it
        return
    if not into.strip("/"):
        raise ConfigError("--warc: name a folder, or a place in a store")
    with TemporaryDirectory(prefix="crawld-") as scratch:
        base = into.rstrip("/")
        yield lambda name: open_object(f"{base}/{name}"), Path(scratch)


def read_lines(parts: Sequence[tuple[Path, int]]) -> Iterator[bytes]:
    """Yields the settled records of files, each as a line. Blocks."""
    for path, length in parts:
        with path.open("rb") as source:
            left = length
            while left > 0 and (lines := source.readlines(min(left, BUFFER))):
                for line in lines:
                    left -= len(line)
                    if left < 0:
                        break
                    yield line
