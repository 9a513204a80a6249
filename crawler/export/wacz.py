"""The format `wacz`: a whole web archive in one zip file (WACZ 1.1.1), which ReplayWeb.page opens."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import orjson

from ..runtime.escaping import json_line
from ..runtime.private_files import opener
from ..runtime.times import iso
from ..warc.cdxj import read_line
from ..warc.sorting import sort_lines
from ..warc.unpacking import Window
from ..warc.zipnum import write_zipnum
from .cdxj import read_index, require_archives
from .source import Source
from .wanted import Wanted

WACZ_VERSION = "1.1.1"
_INDEX = "index.cdx.gz"
_BLOCK = 1 << 20
_HTML = ("text/html", "application/xhtml+xml")
_MARKS = (b"html", b"HTML", b"Html")
"""Records of pages have one of these in their Content-Type: few others are read as JSON."""
_SHOWN = ("fetched", "duplicate")


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
        has_text = source.reader is not None and any(sink.text for sink in source.folder.config.sinks)
        file.write(json_line({"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": has_text}))
        file.writelines(_pages_of_records(source) if source.reader else _pages_of_index(source, scratch / _INDEX))
    with _reading(path) as window:
        package.add("pages/pages.jsonl", window, packs=True)


def _pages_of_records(source: Source) -> Iterator[bytes]:
    """Yields a line for each HTML page of the records, with its text if they have it. Requisites are no pages."""
    for line in source.lines():
        if not any(mark in line for mark in _MARKS):
            continue
        record = orjson.loads(line)
        kind = (record.get("content_type") or "").partition(";")[0].strip().lower()
        if kind in _HTML and record.get("disposition") in _SHOWN and not record.get("requisite"):
            page = {"id": f"{record['url']} {record['visit']}", "url": record["url"], "ts": record["fetched_at"]}
            yield _page(page, record.get("title"), record.get("text"))


def _pages_of_index(source: Source, index: Path) -> Iterator[bytes]:
    """Yields a line for each HTML page that the index has, where no records can be read back."""
    with open(index, "rb", opener=opener) as file, gzip.open(file) as lines:
        for line in lines:
            entry = read_line(line)
            if entry.status == "200" and (entry.mime or "").lower() in _HTML:
                moment = datetime.strptime(entry.stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
                page = {"id": f"{entry.url} {entry.stamp}", "url": entry.url, "ts": iso(moment.timestamp())}
                yield _page(page)


def _page(page: dict[str, str], title: str | None = None, text: str | None = None) -> bytes:
    page["id"] = hashlib.sha256(page["id"].encode()).hexdigest()[:20]
    page |= {name: value for name, value in (("title", title), ("text", text)) if value}
    return json_line(page)


@contextmanager
def _new(path: Path) -> Iterator[IO[bytes]]:
    with open(path, "xb", opener=opener) as file:
        yield file


@contextmanager
def _reading(path: Path) -> Iterator[Window]:
    with open(path, "rb", opener=opener) as file:
        yield Window(file.fileno())
