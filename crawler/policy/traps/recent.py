"""Remembers recent numbers in little memory: the latest few hundred exactly, the latest thousands roughly."""

from __future__ import annotations

_WIDTH = 4
_BITS = 1 << 14
"""Bits of a sieve, 2 kB. Once half are taken, the next 2 kB are begun and the ones before the last forgotten."""


class Ring:
    """A ring of the latest `most` numbers of 32 bits, each with its place."""

    __slots__ = ("_held", "_most", "_turn")

    def __init__(self, most: int) -> None:
        self._held = bytearray()
        self._most = most
        self._turn = 0

    def find(self, number: int) -> int:
        """Returns the place of a number, or -1."""
        wanted = number.to_bytes(_WIDTH, "little")
        at = self._held.find(wanted)
        while at >= 0 and at % _WIDTH:  # a match across two numbers
            at = self._held.find(wanted, at + 1)
        return at // _WIDTH if at >= 0 else -1

    def add(self, number: int) -> int:
        """Adds a number and returns its place: that of the oldest, once the ring is full."""
        wanted = number.to_bytes(_WIDTH, "little")
        if len(self._held) < _WIDTH * self._most:
            self._held += wanted
            return len(self._held) // _WIDTH - 1
        place = self._turn
        self._held[_WIDTH * place : _WIDTH * (place + 1)] = wanted
        self._turn = (place + 1) % self._most
        return place


class Sieve:
    """A set of some thousands of hashes, one bit each.

    It may take a new hash for a known one, one time in three, never the reverse.
    """

    __slots__ = ("_before", "_bits", "_taken")

    def __init__(self) -> None:
        self._bits = bytearray()
        self._before = b""
        self._taken = 0

    def add(self, mixed: int) -> bool:
        """Adds a hash; returns True if it is certainly new."""
        at, bit = mixed // 8 % (_BITS // 8), 1 << mixed % 8
        if not self._bits:
            self._bits = bytearray(_BITS // 8)
        if self._bits[at] & bit:
            return False
        self._bits[at] |= bit
        self._taken += 1
        is_new = not (self._before and self._before[at] & bit)
        if self._taken >= _BITS // 2:
            self._before, self._bits, self._taken = bytes(self._bits), bytearray(), 0
        return is_new
