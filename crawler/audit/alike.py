"""Finds pages that are nearly the same, by their simhashes: sorted four times, each compared with its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS = 8
"""Neighbours in each sorted order with which a hash is compared."""
_TURNS = (0, 16, 32, 48)
"""Two hashes that differ in three bits are equal in one of four parts, so they come near each other in one order."""


def find(store: Store, most_bits: int) -> None:
    """Adds pages whose hashes differ in few bits, each with the first page that it is like. Eight bytes a page."""
    numbers, hashes = [], []
    for number, simhash in store.run(
        "select number, simhash from page where is_page and simhash != 0 and duplicate_of = ''"
        " and (canonical = '' or canonical = url) and not is_noindex order by number"
    ):
        numbers.append(number)
        hashes.append(simhash)
    first = _group(np.array(hashes, np.int64).view(np.uint64), most_bits)
    store.run("create temp table alike (number int, first int)")
    rows = [(numbers[i], numbers[int(at)]) for i, at in enumerate(first) if at != i]
    store.db.executemany("insert into alike values (?, ?)", rows)
    store.run("create unique index by_number on page (number)")
    store.run(
        "insert into found select 'near-duplicate', first.url, '', page.url, page.title from alike"
        " join page on page.number = alike.number join page as first on first.number = alike.first"
    )


def _group(hashes: NDArray[np.uint64], most_bits: int) -> NDArray[np.int64]:
    """Returns for each hash the index of the first one that it is like, which may be its own.

    Each is like the first itself, not only like another one that is: else pages that differ in many bits would be
    joined by those between them.
    """
    first = np.arange(len(hashes))
    for turn in _TURNS:
        turned = hashes << np.uint64(turn) | hashes >> np.uint64(64 - turn) if turn else hashes
        order = np.argsort(turned, kind="stable")
        for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
            a, b = order[:-step], order[step:]
            near = _count_bits(hashes[a] ^ hashes[b]) <= most_bits
            np.minimum.at(first, np.maximum(a, b)[near], np.minimum(a, b)[near])
    for i in np.flatnonzero(first != np.arange(len(first))).tolist():
        lead = int(first[first[i]])
        first[i] = lead if int(hashes[i] ^ hashes[lead]).bit_count() <= most_bits else i
    return first


def _count_bits(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    bits: NDArray[np.uint8] = np.unpackbits(values[:, None].view(np.uint8), axis=1).sum(axis=1, dtype=np.uint8)
    return bits
