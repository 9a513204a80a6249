"""Finds the clusters of a crawl: pages whose content, or nearly so, other pages had before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from ..export.source import Tell, read_source, tell_nobody
from ..folder.folder import Folder, translate_os_errors
from ..records import Record
from ..reports import Groups, without_heavy_fields

VERSION = 1
"""Version of the JSON object. Under the same number no field is renamed or changes its meaning."""
MOST_CLUSTERS = 1000
MOST_URLS = 100
"""URLs of a cluster that are told; all are counted."""


@dataclass(slots=True)
class Cluster:
    """A page and those that repeat it."""

    url: str = ""
    """The page that was recorded first."""
    n: int = 0
    """The number of records that repeat it, wholly or nearly."""
    near: int = 0
    """Those that do so nearly."""
    is_at_least: bool = False
    """Whether there may be more, so that the numbers are lower bounds."""
    urls: list[str] = field(default_factory=list)
    """The URLs that repeat it, 100 of them at most."""

    @property
    def copies(self) -> int:
        """The number of records with the same content."""
        return self.n - self.near

    def merge(self, other: object) -> None:
        """Adds the numbers and the URLs of another cluster."""
        assert isinstance(other, Cluster)
        self.n += other.n
        self.near += other.near
        self.is_at_least |= other.is_at_least
        self.add_urls(other.urls)

    def add_urls(self, urls: Sequence[str]) -> None:
        """Adds URLs that it does not have, as far as there is room."""
        for url in urls:
            if len(self.urls) < MOST_URLS and url not in self.urls:
                self.urls.append(url)


class Clusters(NamedTuple):
    """The clusters of a crawl."""

    records: int
    """All records that were read."""
    copies: int
    """Records whose content another URL had brought before."""
    near: int
    """Records whose text nearly repeats that of an earlier page."""
    largest: Sequence[Cluster]
    """The clusters with most records, 1,000 at most."""
    v: int = VERSION
    """The version of this object."""

    def record(self) -> dict[str, object]:
        """Returns it as a JSON object; docs/near-duplicates.md describes its fields."""
        shown = [
            {"url": one.url, "copies": one.copies, "near": one.near, "is_at_least": one.is_at_least, "urls": one.urls}
            for one in self.largest
        ]
        return {"v": self.v, "records": self.records, "copies": self.copies, "near": self.near, "clusters": shown}


def find_clusters(folder: Folder, *, tell: Tell = tell_nobody) -> Clusters:
    """Reads the settled records of a folder twice, while a crawl runs in it, too. Memory stays the same. Blocks.

    `tell` is told how many bytes of how many are read. Raises FolderError, FrontierError.
    """
    groups = Groups(MOST_CLUSTERS, Cluster)
    records = copies = near = 0
    with translate_os_errors(folder.path):
        source = read_source(folder, tell)
        for record in _read(source.lines()):
            records += 1
            if first := record.get("duplicate_of"):
                copies += 1
                groups.at(str(first)).n += 1
            elif first := record.get("near_duplicate_of"):
                near += 1
                cluster = groups.at(str(first))
                cluster.n, cluster.near = cluster.n + 1, cluster.near + 1
        groups.cut()
        kept = dict(groups)
        for url, cluster in kept.items():
            cluster.url = url
        _join(kept, _name_members(kept, _read(source.lines())))
    return Clusters(records, copies, near, sorted(kept.values(), key=lambda one: -one.n))


def _name_members(kept: Mapping[str, Cluster], records: Iterator[Record]) -> dict[str, str]:
    """Notes the URLs of each cluster; returns pages of copies that nearly repeat another page themselves, with it."""
    joined = {}
    for record in records:
        url, first = str(record.get("url")), record.get("duplicate_of") or record.get("near_duplicate_of")
        if cluster := kept.get(str(first)) if first else None:
            cluster.add_urls([url])
        if url in kept and first in kept:
            joined[url] = str(first)
    return joined


def _join(kept: dict[str, Cluster], joined: Mapping[str, str]) -> None:
    """Makes one cluster of a page's copies and of those of the page that it nearly repeats."""
    for url, first in joined.items():
        if url in kept and first in kept and url != first:
            kept[first].merge(kept.pop(url))


def _read(lines: Iterator[bytes]) -> Iterator[Record]:
    for line in lines:
        try:
            record = orjson.loads(without_heavy_fields(line))
        except orjson.JSONDecodeError:
            continue
        if isinstance(record, dict):
            yield record
