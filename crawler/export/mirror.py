"""The format `mirror`: a copy of the crawled sites that a browser shows without the network and without a server."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import NamedTuple

import orjson

from ..errors import FolderError
from ..parse import rewriting
from ..runtime.private_files import make_folder, opener
from .cdxj import require_archives
from .file_names import ENTRY, FileNames
from .holdings import Held, Holdings
from .source import Source

MOST_ENTRIES = 1000
"""Seeds on the first page."""
_CACHED = 20_000
"""Links whose place is remembered."""
_PAGES = ("text/html", "application/xhtml+xml")
_STYLE = "text/css"
_TEXTS = frozenset((
    "text/plain", "text/javascript", "application/javascript", "application/x-javascript", "text/csv", "text/vtt",
))  # fmt: skip
_REDIRECT = '<meta http-equiv="refresh" content="0; url={0}"><p><a href="{0}">{1}</a></p>'
_LIST = "<h1>{0}</h1><ul>{1}</ul>"
_FRAME = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>{0}</title></head><body>{1}</body></html>\n'


class _Entry(NamedTuple):
    """A page that the first page leads to."""

    path: str
    name: str


def write_mirror(source: Source, folder: Path) -> None:
    """Fills an empty folder with the copy. Raises FolderError, ArchiveError, OSError.

    What the WARC files hold is listed, then named, then written, one body in memory at a time.
    """
    require_archives(source)
    with closing(Holdings(source)) as holdings:
        holdings.read()
        _distinguish(holdings)
        _name_all(holdings)
        entries = _find_entries(source, holdings)
        if not entries:
            raise FolderError(f"{source.folder.path} holds no page that could be shown")
        mirror = _Mirror(holdings, folder)
        share = sum(archive.size for archive in source.archives) // max(1, len(holdings))
        for one in holdings.walk():
            mirror.write(one)
            source.advance(share)
        _write(folder / ENTRY, _make_entry(source.title, entries))


def _distinguish(holdings: Holdings) -> None:
    """Keeps documents apart that have the same bytes, but whose links lead elsewhere."""
    for one in holdings.walk_doubles():
        targets = list[str]()
        body, content_type = holdings.body_of(one)
        _rewrite(one, body, content_type, _note_in(targets))
        said = "\n".join((one.kind, *targets)).encode("utf-8", "replace")
        holdings.set_alike(one, sha256(said + sha256(body).digest()).digest())


def _note_in(targets: list[str]) -> rewriting.Find:
    def find(url: str) -> None:
        targets.append(url)

    return find


def _name_all(holdings: Holdings) -> None:
    names = FileNames(holdings.base)
    for one in holdings.walk():
        holdings.name(one, holdings.find_named(one) or names.make(one.url, one.kind))


def _find_entries(source: Source, holdings: Holdings) -> list[_Entry]:
    """Returns the seeds that the copy holds, in their order; without records the first page."""
    found = dict[str, _Entry]()
    for line in source.lines() if source.reader else ():
        if b'"depth":0' not in line or len(found) >= MOST_ENTRIES:
            continue
        record = orjson.loads(line)
        if record.get("depth") == 0 and not record.get("requisite") and (one := holdings.find(record["url"])):
            found.setdefault(one.path, _Entry(one.path, record.get("title") or one.url))
    if found:
        return list(found.values())
    return [_Entry(one.path, one.url) for one in _first_page(holdings)]


def _first_page(holdings: Holdings) -> Iterator[Held]:
    for one in holdings.walk():
        if one.kind in _PAGES:
            yield one
            return


def _make_entry(title: str, entries: list[_Entry]) -> bytes:
    if len(entries) == 1:
        text = _REDIRECT.format(escape(entries[0].path), escape(entries[0].name))
    else:
        items = (f'<li><a href="{escape(one.path)}">{escape(one.name)}</a></li>' for one in entries)
        text = _LIST.format(escape(title), "".join(items))
    return _FRAME.format(escape(title), text).encode("utf-8", "xmlcharrefreplace")


class _Mirror:
    """Writes the files of a copy."""

    def __init__(self, holdings: Holdings, folder: Path) -> None:
        self._holdings = holdings
        self._folder = folder
        self._path_of = lru_cache(maxsize=_CACHED)(self._find_path)

    def write(self, one: Held) -> None:
        """Writes the file of a URL, unless another URL with the same content has written it."""
        path = self._folder / one.path
        if path.exists():
            return
        make_folder(path.parent)
        here = posixpath.dirname(one.path)

        def find(url: str) -> str | None:
            target = self._path_of(url)
            return posixpath.relpath(target, here) if target else None

        _write(path, _rewrite(one, *self._holdings.body_of(one), find))

    def _find_path(self, url: str) -> str:
        found = self._holdings.find(url)
        return found.path if found else ""


def _rewrite(one: Held, body: bytes, content_type: str, find: rewriting.Find) -> bytes:
    """Returns the body as it is shown from a file."""
    if one.kind in _PAGES:
        rewritten = rewriting.rewrite_html(body, content_type, one.url, find)
        return body if rewritten is None else rewritten
    if one.kind == _STYLE:
        return rewriting.rewrite_css(body, content_type, one.url, find)
    return rewriting.write_as_utf8(body, content_type) if one.kind in _TEXTS else body


def _write(path: Path, data: bytes) -> None:
    with open(path, "xb", opener=opener) as file:
        file.write(data)
