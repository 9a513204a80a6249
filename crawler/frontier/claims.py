"""Finds which URL had a content first, by claims of visits under way and settled claims."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from ..model import Lease
from .change import Claim
from .fingerprints import Fingerprints


class Claims:
    """Claims on contents.

    Settled ones take 64 bits of the digest, keyed like a URL's, and the row: about 34 bytes each.

    Those 64 bits only point to a candidate. The caller compares the whole digest, which costs nothing further, since
    the candidate's row must be read for its URL anyway.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._under_way: dict[bytes, Lease] = {}
        self._by_token: dict[int, tuple[bytes, int]] = {}
        """The digest that a lease claims, and its mark."""
        self._latest = (b"", 0)
        """The digest whose mark was made last, and that mark."""
        self._settled = Fingerprints(with_values=True)

    def under_way(self, digest: bytes) -> Lease | None:
        return self._under_way.get(digest)

    def candidate(self, digest: bytes) -> int | None:
        """Returns the row of a settled page whose digest has the same mark, or None."""
        return self._settled.get(self._mark(digest))

    def claim(self, digest: bytes, lease: Lease) -> None:
        """Gives the content to the lease, which holds one claim, its latest."""
        self.give_up(lease.token)
        self._under_way[digest] = lease
        self._by_token[lease.token] = digest, self._mark(digest)

    def give_up(self, token: int) -> None:
        if claimed := self._by_token.pop(token, None):
            del self._under_way[claimed[0]]

    def settle(self, token: int) -> Claim | None:
        """Settles the lease's claim; returns the digest's mark and the row to keep, or None without a claim."""
        claimed = self._by_token.pop(token, None)
        if claimed is None:
            return None
        del self._under_way[claimed[0]]
        return Claim(claimed[1], token)

    def add_settled(self, pairs: np.ndarray[tuple[int, int], np.dtype[np.uint64]]) -> None:
        """Adds marks and rows, two columns. The first row of a mark stays."""
        self._settled.add_many(np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]))

    def _mark(self, digest: bytes) -> int:
        known, mark = self._latest
        if known != digest:
            mark = int.from_bytes(blake2b(digest, digest_size=8, key=self._key).digest(), "little")
            self._latest = digest, mark
        return mark
