"""Keeps the edges of a graph in temporary files, and counts those that lead to each node and from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 20
"""Edges that are handled at once."""

Ints = NDArray[np.int32]


class Edges:
    """The edges between `nodes` numbered nodes. The two ends of each stand in two files, as 32-bit numbers."""

    def __init__(self, nodes: int, sources: IO[bytes], targets: IO[bytes]) -> None:
        self.nodes = nodes
        self.n: int = 0
        """How many edges there are."""
        self.out_links: Ints = np.zeros(nodes, np.int32)
        """How many edges begin at each node."""
        self.in_links: Ints = np.zeros(nodes, np.int32)
        """How many edges end at each node."""
        self._sources = sources
        self._targets = targets

    def add(self, sources: Ints, targets: Ints) -> None:
        """Adds edges, sorted by source and target."""
        order = np.lexsort((targets, sources))
        sources, targets = sources[order], targets[order]
        self._sources.write(sources.tobytes())
        self._targets.write(targets.tobytes())
        self.n += len(sources)
        self.out_links += np.bincount(sources, minlength=self.nodes).astype(np.int32)
        self.in_links += np.bincount(targets, minlength=self.nodes).astype(np.int32)

    def flush(self) -> None:
        """Makes all edges readable. Comes after the last `add`."""
        self._sources.flush()
        self._targets.flush()

    def read(self) -> Iterator[tuple[Ints, Ints]]:
        """Yields sources and targets, some at a time."""
        for start in range(0, self.n, CHUNK):
            stop = min(start + CHUNK, self.n)
            yield self.sources[start:stop], self.targets[start:stop]

    @property
    def sources(self) -> Ints:
        """The node that each edge begins at, mapped from its file."""
        return self._map(self._sources)

    @property
    def targets(self) -> Ints:
        """The node that each edge ends at, mapped from its file."""
        return self._map(self._targets)

    def _map(self, file: IO[bytes]) -> Ints:
        if not self.n:
            return np.empty(0, np.int32)
        mapped: Ints = np.memmap(file, np.int32, "r", shape=(self.n,))
        return mapped


class Nodes:
    """Finds the numbers of nodes by 64-bit fingerprints of their URLs."""

    def __init__(self, keys: NDArray[np.uint64], ids: Ints) -> None:
        """`keys` are sorted; `ids` has the number of each."""
        self._keys = keys
        self._ids = ids

    def find(self, fingerprints: NDArray[np.uint64]) -> tuple[Ints, NDArray[np.bool_]]:
        """Returns a number for each fingerprint, and whether it is that of a node."""
        if not len(self._keys):
            return np.zeros(len(fingerprints), np.int32), np.zeros(len(fingerprints), np.bool_)
        at = np.minimum(np.searchsorted(self._keys, fingerprints), len(self._keys) - 1)
        return self._ids[at], self._keys[at] == fingerprints
