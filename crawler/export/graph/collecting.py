"""Collects the graph of a crawl from its records: a node for each URL that has one, an edge for each link between two.

What grows with the edges stands in temporary files; a node takes about 80 bytes of memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import orjson
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from ...errors import FolderError
from ...model import Disposition
from ..source import Source
from .edges import CHUNK, Edges, Ints, Nodes

_BUFFER = 1 << 18
_DISPOSITIONS = [str(one) for one in Disposition]
_UNKNOWN = -1


@dataclass(slots=True)
class Graph:
    """The nodes are numbered from 0 in the order of their records; a page that was visited again counts once."""

    count: int
    """How many nodes there are."""
    statuses: Ints
    """The status of each node; -1 where none is known."""
    depths: Ints
    dispositions: NDArray[np.int8]
    """The number of each disposition in `_DISPOSITIONS`."""
    edges: Edges
    urls: IO[bytes]
    """The URL of each record in a line, in the order of the records."""
    kept: NDArray[np.int64]
    """The number of the record of each node."""

    def disposition(self, node: int) -> str:
        return _DISPOSITIONS[int(self.dispositions[node])]

    def read_urls(self) -> Iterator[str]:
        """Yields the URL of each node."""
        self.urls.seek(0)
        wanted = iter(self.kept.tolist())
        next_one = next(wanted, None)
        for number, line in enumerate(self.urls):
            if number == next_one:
                yield line[:-1].decode()
                next_one = next(wanted, None)


@contextmanager
def collect_graph(source: Source, scratch: Path) -> Iterator[Graph]:
    """Yields the graph of what is settled. Raises FolderError where the records have no links, OSError."""
    with ExitStack() as files:
        urls, found, sources, targets = (
            files.enter_context(TemporaryFile(dir=scratch, buffering=_BUFFER)) for _ in range(4)
        )
        facts = _read(source, urls, found)
        nodes, kept = _choose_nodes(facts)
        graph = Graph(
            len(kept), facts.statuses[kept], facts.depths[kept], facts.dispositions[kept],
            Edges(len(kept), sources, targets), urls, kept,
        )  # fmt: skip
        _resolve(graph, facts, found, nodes)
        yield graph


@dataclass(slots=True)
class _Facts:
    """Facts about each record."""

    fingerprints: NDArray[np.uint64]
    statuses: Ints
    depths: Ints
    dispositions: NDArray[np.int8]
    counts: Ints
    """How many links each has in the file of links."""


def _read(source: Source, urls: IO[bytes], found: IO[bytes]) -> _Facts:
    """Reads the records once; writes their URLs, and the fingerprints of what they lead to."""
    fingerprints, statuses, depths, dispositions, counts = array("Q"), array("i"), array("i"), array("b"), array("i")
    has_links = False
    numbers = {name: number for number, name in enumerate(_DISPOSITIONS)}
    for line in source.lines():
        record = orjson.loads(line)
        url = record["url"].encode()
        urls.write(url + b"\n")
        fingerprints.append(xxh3_64_intdigest(url))
        statuses.append(_or_unknown(record["status"]))
        depths.append(_or_unknown(record["depth"]))
        dispositions.append(numbers[record["disposition"]])
        has_links = has_links or "links" in record
        led_to = _targets(record)
        counts.append(len(led_to))
        found.write(array("Q", [xxh3_64_intdigest(target.encode()) for target in led_to]).tobytes())
    if not has_links and len(counts):
        path: Path = source.folder.path
        raise FolderError(f"the records of {path} have no links: crawl with --links to get a graph")
    urls.flush()
    found.flush()
    return _Facts(
        np.frombuffer(fingerprints, np.uint64), np.frombuffer(statuses, np.int32), np.frombuffer(depths, np.int32),
        np.frombuffer(dispositions, np.int8), np.frombuffer(counts, np.int32),
    )  # fmt: skip


def _or_unknown(number: int | None) -> int:
    return _UNKNOWN if number is None else number


def _targets(record: dict[str, Any]) -> Sequence[str]:
    """Returns where a page leads: its links, or the one place that it redirects to."""
    location = record["location"]
    if location is not None:
        return [location]
    links: list[str] | None = record.get("links")
    return links or ()


def _choose_nodes(facts: _Facts) -> tuple[Nodes, NDArray[np.int64]]:
    """Returns the nodes, and the record of each: its URL's last one."""
    order = np.argsort(facts.fingerprints, kind="stable")
    sorted_ones = facts.fingerprints[order]
    is_last = np.ones(len(order), np.bool_)
    is_last[:-1] = sorted_ones[1:] != sorted_ones[:-1]
    latest = order[is_last]
    kept = np.sort(latest)
    return Nodes(sorted_ones[is_last], np.searchsorted(kept, latest).astype(np.int32)), kept


def _resolve(graph: Graph, facts: _Facts, found: IO[bytes], nodes: Nodes) -> None:
    """Writes an edge for each link that leads to a node, and counts them. A page's links to itself are none."""
    node_of = np.full(len(facts.counts), _UNKNOWN, np.int32)
    node_of[graph.kept] = np.arange(graph.count, dtype=np.int32)
    ends = np.cumsum(facts.counts, dtype=np.int64)
    found.seek(0)
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + CHUNK)), start + 1)
        size = int(ends[min(stop, len(ends)) - 1]) - before
        sources = np.repeat(node_of[start:stop], facts.counts[start:stop])
        led_to = np.frombuffer(found.read(size * 8), np.uint64)
        targets, is_node = nodes.find(led_to)
        is_edge = is_node & (sources != _UNKNOWN) & (sources != targets)
        graph.edges.add(sources[is_edge], targets[is_edge])
        start = stop
    graph.edges.flush()
