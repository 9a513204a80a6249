"""Packs the order in which a site's requests are lent into one integer per request."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from ..model import Request, Url
from ..model.request import REQUISITES

ROW_BITS = 40
ROW_MASK = (1 << ROW_BITS) - 1
FIELD_BITS = 20
FIELD_MASK = (1 << FIELD_BITS) - 1
MIDDLE = 1 << (FIELD_BITS - 1)
"""Priority 0 in its field: half of the field lies below it."""
HEAD = 1 << (ROW_BITS + 2 * FIELD_BITS)
"""Subtracted from a key, it puts a request before all others of its site and keeps the order among such requests."""

FIRST = 0
"""The rank of requisites, in every order."""
LAST = FIELD_MASK << FIELD_BITS | FIELD_MASK
"""The rank of revisits: behind all that is new, whether priority or depth comes first in a rank."""

Earlier = tuple[str, str, bytes, int, float, bool, bool]
"""Facts from earlier visits: ETag, Last-Modified, digest, the number of the new visit, the interval in seconds, and
whether it only reads the page again for links that were left out; and whether the store has an extra of it."""
WITH_EXTRA: Final[Earlier] = ("", "", b"", 1, 0.0, False, True)
"""Stands in a request that was never visited and has an extra."""
Packed = tuple[int, str, int, str | None, str | None, str | None, int, int, int, int, int, int, Earlier | None]
"""A queued request: key, URL, depth, via, seed, root, attempt, priority, redirects, the rows of seed and root, its way,
and facts from earlier visits (None: there was none, and it has no extra).

Plain values in a plain tuple, which the garbage collector ignores: it would stop the loop for a fifth of a second,
time and again, to look through hundreds of thousands of requests. Keys are unique: tuples compare by key alone.
"""


KEY: Final = 0
TEXT: Final = 1
DEPTH: Final = 2
"""Places in a packed request."""


class Entry(NamedTuple):
    """A request with its place in the queue."""

    key: int
    """Rank and row, smallest first; below zero: given back, at the head of the queue."""
    request: Request
    seed: int
    """The row of its seed; 0: it is a seed."""
    root: int
    """The row of its root; 0: it is a root."""
    has_extra: bool = False
    """Whether the store may have an extra of it, which comes when it is lent."""

    @property
    def row(self) -> int:
        return self.key & ROW_MASK

    @property
    def rank(self) -> int:
        return (self.key >> ROW_BITS) & (FIELD_MASK << FIELD_BITS | FIELD_MASK)

    @property
    def place(self) -> int:
        return place(self.key)

    def at_head(self) -> Entry:
        return self if self.key < 0 else self._replace(key=self.key - HEAD)


def pack(entry: Entry) -> Packed:
    request = entry.request
    via, seed, root = map(text_of, (request.via, request.seed, request.root))
    return (
        entry.key, request.url.text, request.depth, via, seed, root,
        request.attempt, request.priority, request.redirects, entry.seed, entry.root, request.way, _earlier(entry),
    )  # fmt: skip


def unpack(packed: Packed) -> Entry:
    key, text, depth, via, seed, root, attempt, priority, redirects, seed_row, root_row, way, earlier = packed
    request = Request(  # type: ignore[misc]  # mypy does not see how many values come from earlier visits
        Url(text),
        depth,
        _url(via) if via is not None else None,
        _url(seed) if seed is not None else None,
        _url(root) if root is not None else None,
        attempt,
        priority,
        redirects,
        *(earlier[:-1] if earlier else ()),
        extra_hop=0 if way > REQUISITES else way,
        requisite=way - REQUISITES if way > REQUISITES else 0,
    )
    return Entry(key, request, seed_row, root_row, earlier is not None and earlier[-1])


_url = lru_cache(1 << 10)(Url)
"""Makes a URL that many requests share: that of their page, seed or root."""


def text_of(url: Url | None) -> str | None:
    return None if url is None else url.text


def place(key: int) -> int:
    """Returns the key that a request had before it was given back."""
    return key if key >= 0 else key + HEAD


def rank_of(request: Request, in_depth_order: bool) -> int:
    """Returns the rank of a request. What a page needs to be shown goes before all pages of its site."""
    return FIRST if request.requisite else rank(request.priority, request.depth, in_depth_order)


def rank(priority: int, depth: int, in_depth_order: bool) -> int:
    """Returns a rank: priority, then depth; in depth order depth comes first. Both are clamped to 20 bits."""
    first = min(max(priority + MIDDLE, 0), FIELD_MASK)
    second = min(depth, FIELD_MASK)
    return second << FIELD_BITS | first if in_depth_order else first << FIELD_BITS | second


def key(rank: int, row: int) -> int:
    return rank << ROW_BITS | row


def _earlier(entry: Entry) -> Earlier | None:
    request = entry.request
    if request.visit == 1 and not request.is_reread and not entry.has_extra:
        return None
    return (
        request.etag, request.last_modified, request.digest, request.visit, request.interval_s, request.is_reread,
        entry.has_extra,
    )  # fmt: skip
