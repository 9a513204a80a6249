"""Ranks the pages of a site by the links among them: PageRank, as the export of graphs computes it (docs/graph.md)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import numpy as np

from ..audit import facts
from ..export.graph.edges import CHUNK, Edges, Ints, Nodes
from ..export.graph.ranking import rank_nodes
from ..records import Record

SHOWN = 50
"""Pages that a report lists."""
FOLLOWED = "anchors"
"""The kind of links that people click."""
_BUFFER = 1 << 18


class RankedPage(NamedTuple):
    """One page of the site."""

    url: str
    share: float
    """Its share of the attention of somebody who clicks at random; those of all pages together are 1."""
    in_links: int
    """How many pages link to it."""
    depth: int | None


class InnerLinks:
    """Takes the links of each page, and ranks all pages at the end. Links stand in a file, a page takes 24 bytes."""

    def __init__(self, urls: IO[bytes], links: IO[bytes]) -> None:
        self._urls = urls
        self._links = links
        self._keys, self._counts, self._depths = array("q"), array("i"), array("i")

    def add(self, record: Record) -> None:
        """Takes a record that counts; those that are no page of the site are left out."""
        url = record.get("url")
        if not isinstance(url, str) or "method" in record or "\n" in url or not facts.is_page(record):
            return
        try:
            targets = {hash(one[0]) for one in facts.links(record) if len(one) == 1 or one[1] == FOLLOWED}
        except (TypeError, IndexError):  # somebody changed the file
            targets = set()
        targets.discard(hash(url))
        depth = record.get("depth")
        self._keys.append(hash(url))
        self._counts.append(len(targets))
        self._depths.append(depth if isinstance(depth, int) else -1)
        self._urls.write(url.encode() + b"\n")
        self._links.write(array("q", targets).tobytes())

    def rank(self, most: int = SHOWN) -> list[RankedPage]:
        """Returns the first pages by their rank. Empty: no links among pages are known. Raises OSError."""
        count = len(self._keys)
        with TemporaryFile(buffering=_BUFFER) as sources, TemporaryFile(buffering=_BUFFER) as targets:
            edges = Edges(count, sources, targets)
            self._resolve(edges)
            if not edges.n:
                return []
            ranks = rank_nodes(edges)
            best = np.argsort(-ranks, kind="stable")[:most]
            urls = self._read_urls({int(one) for one in best})
            return [
                RankedPage(
                    urls[one], float(ranks[one]), int(edges.in_links[one]),
                    self._depths[one] if self._depths[one] >= 0 else None,
                )
                for one in map(int, best)
            ]  # fmt: skip

    def _resolve(self, edges: Edges) -> None:
        keys = np.frombuffer(self._keys, np.uint64) if self._keys else np.empty(0, np.uint64)
        order = np.argsort(keys, kind="stable").astype(np.int32)
        nodes = Nodes(keys[order], order)
        self._links.flush()
        self._links.seek(0)
        for sources, size in self._parts():
            targets, is_node = nodes.find(np.frombuffer(self._links.read(size * 8), np.uint64))
            edges.add(sources[is_node], targets[is_node])
        edges.flush()

    def _parts(self) -> Iterator[tuple[Ints, int]]:
        """Yields the pages that some of the links begin at, one for each link, and how many these are."""
        counts = np.frombuffer(self._counts, np.int32) if self._counts else np.empty(0, np.int32)
        ends = np.cumsum(counts, dtype=np.int64)
        start = 0
        while start < len(ends):
            before = int(ends[start - 1]) if start else 0
            stop = max(int(np.searchsorted(ends, before + CHUNK)), start + 1)
            part = np.repeat(np.arange(start, min(stop, len(ends)), dtype=np.int32), counts[start:stop])
            yield part, len(part)
            start = stop

    def _read_urls(self, wanted: set[int]) -> dict[int, str]:
        self._urls.flush()
        self._urls.seek(0)
        return {number: line[:-1].decode() for number, line in enumerate(self._urls) if number in wanted}


@contextmanager
def collect_links() -> Iterator[InnerLinks]:
    """Opens the temporary files that links stand in. Raises OSError."""
    with TemporaryFile(buffering=_BUFFER) as urls, TemporaryFile(buffering=_BUFFER) as links:
        yield InnerLinks(urls, links)
