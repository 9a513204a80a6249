"""The places that the seeds of a crawl admit: an exact set that worker processes look into while it grows.

Extendible hashing over one file of 64-bit words: pages of fingerprints, and a directory that names the page for each.
A full page is split in two, and nothing else moves, so no seed waits until a large table is made anew. One process
writes, any number read. Readers map the file and see every place at once: what they did not find counts only if no
split was under way meanwhile.
"""

from __future__ import annotations

import mmap
import os
import secrets
import time
from array import array
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path

from . import urls
from .errors import StorageFull

PAGE = 512
"""Words of a page; the first holds how many leading bits its members share, and how many members it has."""
MOST = 384
"""Members of a page, three quarters of it: linear probing needs four looks for a stranger then."""
FIRST_BITS = 9
"""The first directory fills one page."""
MOST_GROWTH = 1024
"""Pages that the file grows by at most, 4 MiB; before that it doubles."""
MOST_REMEMBERED = 1 << 15
"""Answers kept to spare a look into the table: two megabytes of short names."""
PAUSE_S = 0.0001
_COUNT, _VERSION, _DIRECTORY, _DEPTHS = range(4)
"""Words of the file's first page. The version is odd while a split is under way; the directory's word holds where it
begins and, in its lowest byte, its bits; the depths are a mask of how many slashes the folders have."""
_DEEPEST = 63


class Admitted:
    """Places are texts, whatever they mean; `key` keeps anyone outside from making two of them collide.

    Without a `path` the set stays in this process, and a pickled copy grows no further. With one it stands in that
    file, and a pickled copy reads along. Raises StorageFull where the file cannot grow.
    """

    def __init__(self, key: bytes | None = None, path: Path | None = None) -> None:
        self.key = key or secrets.token_bytes(16)
        self.path = str(path) if path else None
        self._words: memoryview | None = None
        self._pages = 3
        """In use: the header, the directory and the first page of members. A reader knows of none."""
        self._inside: set[str] = set()
        self._outside: dict[str, int] = {}
        """What was not found, and how many places there were then."""
        self._grow(self._pages)
        words = self._open()
        words[_DIRECTORY] = PAGE << 8 | FIRST_BITS
        words[PAGE : 2 * PAGE] = memoryview(array("Q", [2 * PAGE] * PAGE))

    def __len__(self) -> int:
        return (self._words or self._open())[_COUNT]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Admitted):
            return NotImplemented
        return self is other or (self.path is not None and (self.path, self.key) == (other.path, other.key))

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[object, ...]:
        copy = None if self.path else bytes(self._open())
        return (_reader, (self.key, self.path, copy))

    @property
    def nbytes(self) -> int:
        return self._open().nbytes

    def add(self, places: Iterable[str]) -> int:
        """Admit places, and all folders that are among them, those that end in a slash; how many were new."""
        new = 0
        for place in places:
            if place in self._inside:
                continue
            if place.endswith("/"):
                self._open()[_DEPTHS] |= 1 << min(place.count("/"), _DEEPEST)
            new += self._insert(self._fingerprint(place))
            self._remember(place)
        return new

    def holds(self, place: str) -> bool:
        """Whether this very place was admitted."""
        if place in self._inside:
            return True
        count = (self._words or self._open())[_COUNT]
        if self._outside.get(place) == count:
            return False
        if self._holds(self._fingerprint(place)):
            self._remember(place)
            return True
        self._miss(place, count)
        return False

    def holds_above(self, folder: str) -> bool:
        """Whether a folder was admitted, `host/` or `host/docs/`, or any folder that it lies in."""
        if folder in self._inside:
            return True
        words = self._words or self._open()
        count = words[_COUNT]
        if self._outside.get(folder) == count:
            return False
        depths, end, depth = words[_DEPTHS], folder.find("/"), 1
        while end >= 0:
            if depths >> min(depth, _DEEPEST) & 1 and self._holds(self._fingerprint(folder[: end + 1])):
                self._remember(folder)
                return True
            end, depth = folder.find("/", end + 1), depth + 1
        self._miss(folder, count)
        return False

    def close(self) -> None:
        """Remove the file; who has mapped it keeps what he sees."""
        if self.path:
            with suppress(FileNotFoundError):
                os.unlink(self.path)

    # -- what was found before ---------------------------------------------------------------------------------------

    def _remember(self, place: str) -> None:
        if len(self._inside) >= MOST_REMEMBERED:
            self._inside.clear()
        self._inside.add(place)

    def _miss(self, place: str, count: int) -> None:
        if len(self._outside) >= MOST_REMEMBERED:
            self._outside.clear()
        self._outside[place] = count

    def _fingerprint(self, place: str) -> int:
        return urls.fingerprint(place, self.key) or 1  # 0 marks an empty slot

    # -- reading -----------------------------------------------------------------------------------------------------

    def _holds(self, member: int) -> bool:
        while True:
            words = self._words or self._open()
            version = words[_VERSION]
            try:
                if words[_slot(words, _page(words, member), member)]:
                    return True
            except IndexError:  # the file is longer by now
                if not self._pages:
                    self._words = None
                continue
            if not version & 1 and words[_VERSION] == version:
                return False
            time.sleep(PAUSE_S)

    def _open(self) -> memoryview:
        """The words as they are, mapped anew where they were not."""
        words = self._words
        if words is None:
            assert self.path is not None
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                words = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)).cast("Q")
            finally:
                os.close(descriptor)
            self._words = words
        return words

    # -- writing -----------------------------------------------------------------------------------------------------

    def _insert(self, member: int) -> bool:
        while True:
            words = self._open()
            page = _page(words, member)
            slot = _slot(words, page, member)
            if words[slot]:
                return False
            if words[page] & 0xFFFF < MOST:
                words[slot] = member
                words[page] += 1
                words[_COUNT] += 1  # last: whoever sees it finds the member
                return True
            self._split(page, member)

    def _split(self, page: int, member: int) -> None:
        """Move those members of a full page to a page of their own whose next bit is set."""
        shared = self._open()[page] >> 16
        if shared == self._open()[_DIRECTORY] & 0xFF:
            self._double_directory()
        new = self._allocate(1)
        words = self._open()
        members = [word for word in words[page + 1 : page + PAGE].tolist() if word]
        bit = 1 << (63 - shared)
        stay = _filled([one for one in members if not one & bit], shared + 1)
        go = _filled([one for one in members if one & bit], shared + 1)
        directory, bits = words[_DIRECTORY] >> 8, words[_DIRECTORY] & 0xFF
        entries = 1 << (bits - shared)
        first = directory + (member >> (64 - shared) << (bits - shared))
        words[_VERSION] += 1
        words[new : new + PAGE] = memoryview(go)
        words[first + entries // 2 : first + entries] = memoryview(array("Q", [new] * (entries // 2)))
        words[page : page + PAGE] = memoryview(stay)
        words[_VERSION] += 1

    def _double_directory(self) -> None:
        bits = (self._open()[_DIRECTORY] & 0xFF) + 1
        new = self._allocate((1 << bits) // PAGE)
        words = self._open()
        old = words[_DIRECTORY] >> 8
        entries = words[old : old + (1 << bits >> 1)].tolist()
        words[new : new + (1 << bits)] = memoryview(array("Q", chain.from_iterable(zip(entries, entries, strict=True))))
        words[_DIRECTORY] = new << 8 | bits

    def _allocate(self, pages: int) -> int:
        """The first word of as many pages, all zero."""
        first, needed = self._pages, self._pages + pages
        have = len(self._open()) // PAGE
        if needed > have:
            self._grow(max(needed, have + min(have, MOST_GROWTH)))
        self._pages = needed
        return first * PAGE

    def _grow(self, pages: int) -> None:
        size = 8 * PAGE * pages
        if self.path is None:
            held = bytearray(size)
            if self._words is not None:
                held[: self._words.nbytes] = self._words
            self._words = memoryview(held).cast("Q")
            return
        try:
            with open(self.path, "ab") as file:
                os.chmod(file.fileno(), 0o600)
                # Written, not skipped: the kernel kills who touches a hole that it finds no space for.
                file.write(bytes(max(0, size - file.tell())))
            with open(self.path, "r+b") as file:
                self._words = memoryview(mmap.mmap(file.fileno(), size)).cast("Q")
        except OSError as error:
            raise StorageFull(
                f"{os.path.dirname(self.path)}: no room for the seeds' places: {error.strerror}"
            ) from error


def _page(words: memoryview, member: int) -> int:
    directory = words[_DIRECTORY]
    return int(words[(directory >> 8) + (member >> (64 - (directory & 0xFF)))])


def _slot(words: memoryview, page: int, member: int) -> int:
    """Where a member is in a page, or the empty slot where it would go."""
    slot = page + 1 + member % (PAGE - 1)
    while (held := words[slot]) and held != member:
        slot = slot + 1 if slot + 1 < page + PAGE else page + 1
    return slot


def _filled(members: list[int], shared: int) -> array[int]:
    """A page of these members, which share so many leading bits."""
    page = array("Q", bytes(8 * PAGE))
    page[0] = shared << 16 | len(members)
    words = memoryview(page)
    for member in members:
        words[_slot(words, 0, member)] = member
    return page


def _reader(key: bytes, path: str | None, copy: bytes | None) -> Admitted:
    """Pickle's way back."""
    made = Admitted.__new__(Admitted)
    made.key, made.path, made._inside, made._outside, made._pages = key, path, set(), {}, 0
    made._words = memoryview(copy).cast("Q") if copy is not None else None
    return made
