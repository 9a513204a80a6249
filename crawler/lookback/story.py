"""Tells the story of one URL in a crawl folder: its visits, the pages that link to it, redirects, captures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from .. import seeds, urls
from ..assembly import parts
from ..export.cdxj import find_index
from ..export.source import Source, Tell, read_source, tell_nobody
from ..folder.folder import Folder, translate_os_errors
from ..frontier import look
from ..model import Url
from ..records import Record
from ..runtime.escaping import json_line

VERSION = 1
"""Version of the JSON object. Under the same number no field is renamed or changes its meaning."""
MOST_LINKING = 10_000
"""URLs of each kind that are kept by name; all are counted."""
_LINKS = b'"links":['
_HEAVY = ("links", "audit", "text", "markdown", "metadata", "structured", "headers", "fields", "data")
"""Fields that a story leaves out of its records."""


class Linking(NamedTuple):
    """URLs that lead to the one of the story."""

    urls: Sequence[str]
    """The first 10,000, sorted."""
    n: int
    """How many there are."""


@dataclass(frozen=True, slots=True)
class Story:
    """All that a crawl folder holds about one URL."""

    url: Url
    """Its canonical form."""
    standing: str | None
    """`queued`, `waiting`, `parked` or `done`; None: the crawl never met it."""
    visits: Sequence[Record]
    """Its records in the order of the visits, without heavy fields."""
    linked_from: Linking | None
    """Pages that link to it, by the latest record of each that has links. None: no record keeps links."""
    named_by: Sequence[str]
    """The pages, redirects or sitemaps by which the crawl found it."""
    redirects_to: str | None
    """Where its latest visit was sent; None: nowhere."""
    redirected_from: Linking
    """URLs that redirect to it."""
    duplicates: Linking
    """URLs that brought the same content later."""
    canonical_of: Linking
    """Other pages that name it as their canonical URL."""
    captures: Sequence[Record] | None
    """Its captures in the WARC files, as a CDXJ index has them. None: there are no WARC files."""
    v: int = VERSION
    """The version of this object."""

    def record(self) -> dict[str, object]:
        """Returns it as a JSON object; docs/looking-back.md describes its fields."""
        return {
            "v": self.v,
            "url": self.url.text,
            "standing": self.standing,
            "visits": list(self.visits),
            "linked_from": self.linked_from and self.linked_from._asdict(),
            "named_by": list(self.named_by),
            "redirects_to": self.redirects_to,
            "redirected_from": self.redirected_from._asdict(),
            "duplicates": self.duplicates._asdict(),
            "canonical_of": self.canonical_of._asdict(),
            "captures": None if self.captures is None else list(self.captures),
        }


def tell_story(folder: Folder, text: str, *, tell: Tell = tell_nobody) -> Story:
    """Returns the story of the URL in `text`, which may be written as seeds are. Blocks: it reads all records.

    A crawl may run in the folder. Raises UrlError, FolderError, FrontierError, ArchiveError.
    """
    url, _ = urls.explain(seeds.with_scheme(text), policy=parts.policy(folder.config))
    seen = _Seen(url.text)
    with translate_os_errors(folder.path):
        source = read_source(folder, tell)
        for line in source.lines():
            seen.add_line(line)
        captures = _find_captures(source, url.text) if source.stores else None
    known = look(folder.frontier_path, lambda opened: opened.find(url)) if folder.frontier_path.exists() else None
    latest = seen.visits[-1] if seen.visits else {}
    return Story(
        url,
        known.standing if known else None,
        seen.visits,
        seen.linked_from.to_linking() if seen.keeps_links else None,
        list(dict.fromkeys(str(one["via"]) for one in seen.visits if one.get("via"))),
        latest.get("location"),
        seen.redirected_from.to_linking(),
        seen.duplicates.to_linking(),
        seen.canonical_of.to_linking(),
        captures,
    )


class _Names:
    """URLs that lead to the one of the story as their latest records say, the first ones by name."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._beyond = 0

    def set(self, name: str, is_one: bool) -> None:
        if not is_one:
            self._names.discard(name)
        elif name not in self._names and len(self._names) >= MOST_LINKING:
            self._beyond += 1
        else:
            self._names.add(name)

    def to_linking(self) -> Linking:
        return Linking(sorted(self._names), len(self._names) + self._beyond)


@dataclass(slots=True)
class _Seen:
    """The records about one URL."""

    url: str
    keeps_links: bool = False
    visits: list[Record] = field(default_factory=list)
    linked_from: _Names = field(default_factory=_Names)
    redirected_from: _Names = field(default_factory=_Names)
    duplicates: _Names = field(default_factory=_Names)
    canonical_of: _Names = field(default_factory=_Names)
    _written: bytes = b""
    """The URL as a line of JSON has it."""
    _naming: set[bytes] = field(default_factory=set)
    """The beginnings of the records that named it, so that later ones of the same pages are read, too."""

    def __post_init__(self) -> None:
        self._written = json_line({"": self.url})[len('{"":') : -len("}\n")]

    def add_line(self, line: bytes) -> None:
        has_links = _LINKS in line
        self.keeps_links = self.keeps_links or has_links
        names_it = self._written in line
        if not names_it and (not self._naming or _beginning(line) not in self._naming):
            return  # nearly all lines
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if names_it:
            self._naming.add(_beginning(line))
        self._add(record, has_links)

    def _add(self, record: Record, has_links: bool) -> None:
        page = str(record.get("url"))
        if page == self.url:
            self.visits.append({name: value for name, value in record.items() if name not in _HEAVY})
        if has_links and record.get("links") is not None:  # an unchanged page has none and keeps those it had
            self.linked_from.set(page, self.url in record["links"])
        if record.get("status") != 304:
            self.redirected_from.set(page, record.get("location") == self.url)
            self.duplicates.set(page, record.get("duplicate_of") == self.url)
            self.canonical_of.set(page, record.get("canonical") == self.url != page)


def _beginning(line: bytes) -> bytes:
    """Returns the bytes of a record up to the end of its URL."""
    return line[: line.find(b'"', len(b'{"v":1,"url":"')) + 1]


def _find_captures(source: Source, url: str) -> list[Record]:
    """Returns the captures of the URL in the order of time. Raises ArchiveError, OSError."""
    mark = b'"url": ' + orjson.dumps(url)
    found = []
    for line in find_index(source):
        if mark in line:
            _, moment, values = line.split(b" ", 2)
            found.append({"at": moment.decode("ascii"), **orjson.loads(values)})
    return sorted(found, key=lambda one: (one["at"], one.get("filename", ""), int(one.get("offset", 0))))
