"""The format `chunks`: passages of pages for retrieval, and what changed since the export before.

A chunk's id follows from its page, the headings above it and its text, so that what stays on a page keeps its id
wherever it moves, and an index that follows has to embed again only what is new.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from ..errors import ConfigError, FolderError
from ..records import Record, tells_content
from ..runtime.escaping import json_line
from ..runtime.private_files import opener
from ..sinks.bulk import load_records
from ..warc.sorting import sort_lines
from .newest import open_newest
from .passages import cut
from .source import Source
from .wanted import Wanted

VERSION = 1
"""Version of the lines. Under the same number no field is renamed or changes its meaning."""
_MARKS = (b'"markdown":"', b'"text":"')
_PASSING = ("fetched_at",)
"""Fields that may differ without a change: the page was only seen again."""
_BLOCK = 1 << 20
_OK = range(200, 300)


def write_chunks(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes a line of JSON for each passage of the newest visit of each page.

    Where `wanted.changes` is open, what changed since the export `wanted.before` goes there. Raises FolderError where
    the records hold no texts, ConfigError where that export is none, OSError.
    """
    has_texts = False
    with open_newest(source, wanted.scratch, tells_content) as newest:
        for lines in source.batches():
            for record in load_records([line for line in lines if any(mark in line for mark in _MARKS)]):
                has_texts = True
                if newest.has(record) and record.get("status") in _OK and record.get("disposition") != "duplicate":
                    file.writelines(_chunks(record, wanted.tokens))
    if not has_texts and not any(sink.markdown or sink.text for sink in source.folder.config.sinks):
        raise FolderError(f"{source.folder.path}: its records hold no texts; crawl with --markdown")
    if wanted.changes is not None:
        file.flush()
        _write_changes(Path(file.name), wanted, wanted.changes)


def _chunks(record: Record, tokens: int) -> Iterator[bytes]:
    """Yields the lines of one page."""
    url, seen = str(record.get("url")), dict[str, int]()
    page = f"{url}\0{record.get('request_id') or ''}"
    for passage in cut(record.get("markdown") or record.get("text") or "", tokens):
        name = blake2b("\0".join((page, *passage.headings, "", passage.text)).encode(), digest_size=16).hexdigest()
        again = seen[name] = seen.get(name, -1) + 1
        yield json_line(
            {
                "v": VERSION,
                "id": f"{name}-{again}" if again else name,
                "url": url,
                "anchor": passage.anchor,
                "title": record.get("title"),
                "headings": passage.headings,
                "text": passage.text,
                "tokens": passage.tokens,
                "digest": f"sha256:{sha256(passage.text.encode()).hexdigest()}",
                "language": record.get("language"),
                "fetched_at": record.get("fetched_at"),
            }
        )


# -- what changed ------------------------------------------------------------------------------------------------------


class _Entry(NamedTuple):
    """A chunk of one of two exports. Its first two values lead its line when it is sorted."""

    id: bytes
    print: bytes
    """A digest of all that is no passing field."""
    value: bytes
    """Of the new export the whole line, of the old one the URL."""


def _write_changes(path: Path, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes what must be done to an index that holds the export before: a head, then deletes and upserts.

    Both exports are sorted on the disk by their ids, so that memory stays the same.
    """
    before = wanted.before
    counts = {"upserts": 0, "deletes": 0, "kept": 0}
    with (
        sort_lines(_entries(path, whole=True), wanted.scratch) as new,
        sort_lines(_entries(before, whole=False) if before else (), wanted.scratch) as old,
        open(f"{file.name}.part", "w+b", opener=opener) as rest,
    ):
        try:
            for word, line in _compare(map(_read_entry, old), map(_read_entry, new)):
                counts[word] += 1
                rest.write(line)
            head = {"v": VERSION, "from": _digest(before) if before else None, "to": _digest(path), **counts}
            file.write(json_line(head))
            rest.seek(0)
            shutil.copyfileobj(rest, file, _BLOCK)
        finally:
            Path(rest.name).unlink()


def _compare(old: Iterable[_Entry], new: Iterable[_Entry]) -> Iterator[tuple[str, bytes]]:
    """Yields for each chunk of two sorted exports what becomes of it, with the line that says so."""
    before, after = iter(old), iter(new)
    left, right = next(before, None), next(after, None)
    while left or right:
        if right is None or (left is not None and left.id < right.id):
            assert left is not None
            yield "deletes", json_line({"op": "delete", "id": left.id.decode(), "url": orjson.loads(left.value)})
            left = next(before, None)
        elif left is None or right.id < left.id:
            yield "upserts", b'{"op":"upsert",' + right.value[1:] + b"\n"
            right = next(after, None)
        else:
            is_same = left.print == right.print
            yield ("kept", b"") if is_same else ("upserts", b'{"op":"upsert",' + right.value[1:] + b"\n")
            left, right = next(before, None), next(after, None)


def _entries(path: Path, *, whole: bool) -> Iterator[bytes]:
    """Yields the chunks of an export as lines that sort by id. Raises ConfigError for what is none."""
    number = 0
    with open(path, "rb", buffering=_BLOCK, opener=opener) as file:
        for number, line in enumerate(file, 1):
            try:
                chunk: dict[str, Any] = orjson.loads(line)
                name, url = str(chunk["id"]).encode("ascii"), orjson.dumps(str(chunk["url"]))
                for passing in _PASSING:
                    chunk.pop(passing, None)
                found = blake2b(orjson.dumps(chunk), digest_size=16).hexdigest().encode()
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                words = "is no export of chunks, so what changed since it cannot be told"
                raise ConfigError(f"{path} {words} (line {number}): name another file") from error
            yield b"%b %b %b\n" % (name, found, line.rstrip(b"\n") if whole else url)


def _read_entry(line: bytes) -> _Entry:
    return _Entry(*line.rstrip(b"\n").split(b" ", 2))


def _digest(path: Path) -> str:
    with open(path, "rb", opener=opener) as file:
        made = sha256()
        while block := file.read(_BLOCK):
            made.update(block)
    return f"sha256:{made.hexdigest()}"
