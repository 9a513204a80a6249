"""Counts bytes against a rate. Pure: times come as arguments, in seconds of any clock that never goes back."""

from __future__ import annotations

BURST_S = 0.1
"""Seconds of the rate that may be saved up: enough to bridge the time between two looks."""


class TokenBucket:
    """Says when the next bytes may be read, at `bytes_per_s` on average.

    Bytes that were read are charged, however many; while the bucket is in debt, none may be read.
    """

    def __init__(self, bytes_per_s: float, now: float) -> None:
        self.bytes_per_s: float = bytes_per_s
        self._level = bytes_per_s * BURST_S
        self._at = now

    def take(self, size: int, now: float) -> None:
        """Charges bytes that were read."""
        self._refill(now)
        self._level -= size

    def wait_s(self, now: float) -> float:
        """Returns how long nothing may be read; 0: more may be read now."""
        self._refill(now)
        return 0.0 if self._level > 0 else -self._level / self.bytes_per_s

    def change(self, bytes_per_s: float, now: float) -> None:
        """Counts at another rate from now on. A debt is paid off at the new rate."""
        self._refill(now)
        self.bytes_per_s = bytes_per_s
        self._level = min(self._level, bytes_per_s * BURST_S)

    def _refill(self, now: float) -> None:
        passed_s, self._at = max(0.0, now - self._at), max(now, self._at)
        self._level = min(self._level + passed_s * self.bytes_per_s, self.bytes_per_s * BURST_S)
