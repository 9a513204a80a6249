"""The format `wacz`: a whole web archive in one zip file (WACZ 1.1.1), which ReplayWeb.page opens."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import orjson

from ..runtime.private_files import opener
from ..runtime.times import iso
from ..warc.cdxj import REVISIT, read_line
from ..warc.sorting import sort_lines
from ..warc.unpacking import Window
from ..warc.zipnum import write_zipnum
from .cdxj import read_index, require_archives
from .source import Source
from .wanted import Wanted

WACZ_VERSION = "1.1.1"
_INDEX = "index.cdx.gz"
_BLOCK = 1 << 20
_PAGES = b'{"format":"json-pages-1.0","id":"pages","title":"All Pages"}\n'
_HTML = ("text/html", "application/xhtml+xml")


def write_wacz(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes the WARC files as they are, their index, the pages with titles and texts, and the digests of all this.

    Raises FolderError, ArchiveError, OSError.
    """
    require_archives(source)
    source.expect(sum(archive.size for archive in source.archives))
    with ZipFile(file, "w", ZIP_STORED) as packed, TemporaryDirectory(prefix=".wacz-", dir=wanted.scratch) as name:
        package = _Package(packed)
        for archive in source.archives:
            with archive.open() as window:
                package.add(f"archive/{archive.name}", window, source)
        _add_index(package, source, Path(name))
        _add_pages(package, source, Path(name))
        package.finish(source.title)


class _Package:
    """The zip file, and the digests of what is in it."""

    def __init__(self, packed: ZipFile) -> None:
        self._packed = packed
        self._resources: list[dict[str, object]] = []
        self._time = time.gmtime()[:6]

    def add(self, path: str, window: Window, source: Source | None = None, *, packs: bool = False) -> None:
        """Adds a file; `packs`: it gains by being packed."""
        digest = hashlib.sha256()
        with self._packed.open(self._describe(path, window.size, packs), "w") as entry:
            for at in range(0, window.size, _BLOCK):
                block = window.read(at, _BLOCK)
                digest.update(block)
                entry.write(block)
                if source is not None:
                    source.advance(len(block))
        self._note(path, digest.hexdigest(), window.size)

    def finish(self, title: str) -> None:
        """Adds the list of all files with their digests, and the digest of that list."""
        listed = {
            "profile": "data-package",
            "wacz_version": WACZ_VERSION,
            "title": title,
            "created": iso(time.time()),
            "software": f"crawld {version('crawld')}",
            "resources": self._resources,
        }
        text = orjson.dumps(listed, option=orjson.OPT_INDENT_2)
        digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(text).hexdigest()}"}
        self._packed.writestr(self._describe("datapackage.json", len(text), True), text)
        text = orjson.dumps(digest, option=orjson.OPT_INDENT_2)
        self._packed.writestr(self._describe("datapackage-digest.json", len(text), True), text)

    def _note(self, path: str, digest: str, size: int) -> None:
        name = path.rpartition("/")[2]
        self._resources.append({"name": name, "path": path, "hash": f"sha256:{digest}", "bytes": size})

    def _describe(self, path: str, size: int, packs: bool) -> ZipInfo:
        info = ZipInfo(path, self._time)
        info.compress_type = ZIP_DEFLATED if packs else ZIP_STORED
        info.file_size = size  # so that zip64 is chosen where it is needed
        info.external_attr = 0o644 << 16
        return info


def _add_index(package: _Package, source: Source, scratch: Path) -> None:
    index, small = scratch / _INDEX, scratch / "index.idx"
    with _new(index) as packed, _new(small) as idx, sort_lines(read_index(source), scratch) as lines:
        idx.writelines(write_zipnum(lines, packed, _INDEX))
    for path, packs in ((index, False), (small, True)):
        with _reading(path) as window:
            package.add(f"indexes/{path.name}", window, packs=packs)


def _add_pages(package: _Package, source: Source, scratch: Path) -> None:
    path = scratch / "pages.jsonl"
    with _new(path) as file:
        file.write(_PAGES)
        file.writelines(_pages_of_records(source) if source.reader else _pages_of_index(source, scratch / _INDEX))
    with _reading(path) as window:
        package.add("pages/pages.jsonl", window, packs=True)
