"""Which URL had a content first: claims of visits under way, and those that were settled."""

from __future__ import annotations

import numpy as np

from ..model import Lease
from .seen import Fingerprints


class Claims:
    """Settled claims are kept as the digest's first 8 bytes and the row: 34 bytes each.

    Those 64 bits only point to a candidate; whoever asks compares the whole digest, which costs nothing further,
    since the candidate's row must be read for its URL anyway.
    """

    def __init__(self) -> None:
        self._under_way: dict[bytes, Lease] = {}
        self._by_token: dict[int, bytes] = {}
        self._settled = Fingerprints(with_values=True)

    def under_way(self, digest: bytes) -> Lease | None:
        return self._under_way.get(digest)

    def candidate(self, digest: bytes) -> int | None:
        """The row of a settled page whose digest begins alike."""
        return self._settled.get(_prefix(digest))

    def claim(self, digest: bytes, lease: Lease) -> None:
        """The lease holds one claim, its latest."""
        self.give_up(lease.token)
        self._under_way[digest] = lease
        self._by_token[lease.token] = digest

    def give_up(self, token: int) -> None:
        if digest := self._by_token.pop(token, None):
            del self._under_way[digest]

    def settle(self, token: int) -> tuple[int, int] | None:
        """Keep the lease's claim for good: the digest's prefix and the row; None: it held none."""
        digest = self._by_token.pop(token, None)
        if digest is None:
            return None
        del self._under_way[digest]
        return _prefix(digest), token

    def add_settled(self, pairs: np.ndarray[tuple[int, int], np.dtype[np.uint64]]) -> None:
        """Prefixes and rows, two columns. The first row of a prefix stays."""
        self._settled.add_many(np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]))


def _prefix(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "little")
