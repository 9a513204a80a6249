"""Holds the places that the seeds of a crawl admit: an exact set that worker processes read while it grows.

Extendible hashing over one file of 64-bit words: pages of fingerprints, and a directory that names the page for each. A
full page is split in two, and nothing else moves, so no seed waits until a large table is made anew. One process
writes, any number read. Readers map the head of the file and read one page for each look-up, since a worker has bounds
of memory; they see every place at once. A look-up that finds nothing counts only if no split was under way meanwhile.
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
import time
import weakref
from array import array
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path

from .. import urls
from ..errors import StorageFull
from ..runtime.private_files import opener

PAGE = 512
"""Words of a page. The first holds how many leading bits its members share, and how many members it has."""
MOST = 384
"""Most members of a page, three quarters of it: linear probing then needs four looks for an absent one."""
FIRST_BITS = 9
"""Bits of the first directory, which fills one page."""
MOST_GROWTH = 1024
"""Most pages that the file grows by at a time, 4 MiB; before that it doubles."""
MOST_REMEMBERED = 1 << 13
"""Answers of each kind that are cached to spare a look into the table: a megabyte."""
LONG = 200
"""In characters; longer places are not worth remembering."""
PAUSE_S = 0.0001
_COUNT, _VERSION, _DIRECTORY, _DEPTHS = range(4)
"""Words of the file's first page. The version is odd while a split is under way. The directory's word holds where it
begins and, in its lowest byte, its bits. The depths are a mask: how many slashes the folders have."""
_DEEPEST = 63


class Admitted:
    """A set of places, which are texts; `key` keeps anyone outside from making two of them collide.

    Without a `path` the set stays in this process, and a pickled copy is a set of its own. With a path it stands in
    that file, and a pickled copy reads along. Raises StorageFull where the file cannot grow.
    """

    def __init__(self, key: bytes | None = None, path: Path | None = None) -> None:
        self.key: bytes = key or secrets.token_bytes(16)
        self.path: str | None = str(path) if path else None
        self._inside: set[str] = set()
        self._outside: dict[str, int] = {}
        """Place that was not found -> how many places there were then."""
        self._words: memoryview
        self._pages = 3
        """Pages in use: the header, the directory and the first page of members."""
        self._grow(self._pages)
        self._words[_DIRECTORY] = PAGE << 8 | FIRST_BITS
        self._words[PAGE : 2 * PAGE] = memoryview(array("Q", [2 * PAGE] * PAGE))

    def __len__(self) -> int:
        return self._head()[_COUNT]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Admitted):
            return NotImplemented
        return self is other or (self.path is not None and (self.path, self.key) == (other.path, other.key))

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[object, ...]:
        if self.path:
            return (_Reader, (self.key, self.path))
        return (_restore_copy, (self.key, bytes(self._words)))

    @property
    def nbytes(self) -> int:
        return self._words.nbytes

    def add(self, places: Iterable[str]) -> int:
        """Adds places, and returns how many were new. A place that ends in a slash is a folder."""
        new = 0
        for place in places:
            if place in self._inside:
                continue
            if place.endswith("/"):
                self._words[_DEPTHS] |= 1 << min(place.count("/"), _DEEPEST)
            new += self._insert(self._fingerprint(place))
            self._remember(place)
        return new

    def holds(self, place: str) -> bool:
        """Returns whether exactly this place was admitted."""
        if place in self._inside:
            return True
        count = self._head()[_COUNT]
        if self._outside.get(place) == count:
            return False
        if self._holds(self._fingerprint(place)):
            self._remember(place)
            return True
        self._remember_absent(place, count)
        return False

    def holds_above(self, folder: str) -> bool:
        """Returns whether a folder (`host/`, `host/docs/`) or any folder above it was admitted."""
        if folder in self._inside:
            return True
        head = self._head()
        count = head[_COUNT]
        if self._outside.get(folder) == count:
            return False
        depths, end, depth = head[_DEPTHS], folder.find("/"), 1
        while end >= 0:
            if depths >> min(depth, _DEEPEST) & 1 and self._holds(self._fingerprint(folder[: end + 1])):
                self._remember(folder)
                return True
            end, depth = folder.find("/", end + 1), depth + 1
        self._remember_absent(folder, count)
        return False

    def knows(self, fingerprint: int) -> bool:
        """Returns `holds` for the fingerprint of a place under this `key`."""
        return self._holds(fingerprint or 1)

    def close(self) -> None:
        """Removes the file; processes that have mapped it keep their view."""
        if self.path:
            with suppress(FileNotFoundError):
                os.unlink(self.path)

    # -- what was found before ---------------------------------------------------------------------------------------

    def _remember(self, place: str) -> None:
        if len(self._inside) >= MOST_REMEMBERED:
            self._inside.clear()
        if len(place) <= LONG:
            self._inside.add(place)

    def _remember_absent(self, place: str, count: int) -> None:
        if len(self._outside) >= MOST_REMEMBERED:
            self._outside.clear()
        if len(place) <= LONG:
            self._outside[place] = count

    def _fingerprint(self, place: str) -> int:
        return urls.fingerprint(place, self.key) or 1  # 0 marks an empty slot

    # -- reading -----------------------------------------------------------------------------------------------------

    def _head(self) -> memoryview:
        return self._words

    def _holds(self, member: int) -> bool:
        while True:
            head = self._head()
            version = head[_VERSION]
            found = self._look(member)
            if found or (found is not None and not version & 1 and head[_VERSION] == version):
                return found
            time.sleep(PAUSE_S)

    def _look(self, member: int) -> bool | None:
        """Returns whether the page for a member holds it; None if the table has grown meanwhile."""
        words = self._words
        try:
            return bool(words[_slot(words, _page(words, member), member)] == member)
        except IndexError:
            return None

    # -- writing -----------------------------------------------------------------------------------------------------

    def _insert(self, member: int) -> bool:
        while True:
            words = self._words
            page = _page(words, member)
            slot = _slot(words, page, member)
            if words[slot] == member:
                return False
            if words[page] & 0xFFFF < MOST:
                words[slot] = member
                words[page] += 1
                words[_COUNT] += 1  # last, so that a reader who sees the count finds the member
                return True
            self._split(page, member)

    def _split(self, page: int, member: int) -> None:
        """Moves the members of a full page whose next bit is set to a new page."""
        shared = self._words[page] >> 16
        if shared == self._words[_DIRECTORY] & 0xFF:
            self._double_directory()
        new = self._allocate(1)
        words = self._words
        members = [word for word in words[page + 1 : page + PAGE].tolist() if word]
        bit = 1 << (63 - shared)
        stay = _fill_page([one for one in members if not one & bit], shared + 1)
        go = _fill_page([one for one in members if one & bit], shared + 1)
        directory, bits = words[_DIRECTORY] >> 8, words[_DIRECTORY] & 0xFF
        entries = 1 << (bits - shared)
        first = directory + (member >> (64 - shared) << (bits - shared))
        words[_VERSION] += 1
        words[new : new + PAGE] = memoryview(go)
        words[first + entries // 2 : first + entries] = memoryview(array("Q", [new] * (entries // 2)))
        words[page : page + PAGE] = memoryview(stay)
        words[_VERSION] += 1

    def _double_directory(self) -> None:
        bits = (self._words[_DIRECTORY] & 0xFF) + 1
        new = self._allocate((1 << bits) // PAGE)
        words = self._words
        old = words[_DIRECTORY] >> 8
        entries = words[old : old + (1 << bits >> 1)].tolist()
        words[new : new + (1 << bits)] = memoryview(array("Q", chain.from_iterable(zip(entries, entries, strict=True))))
        words[_DIRECTORY] = new << 8 | bits

    def _allocate(self, pages: int) -> int:
        """Returns the first word of that many new pages, all zero."""
        first, needed = self._pages, self._pages + pages
        have = len(self._words) // PAGE
        if needed > have:
            self._grow(max(needed, have + min(have, MOST_GROWTH)))
        self._pages = needed
        return first * PAGE

    def _grow(self, pages: int) -> None:
        size = 8 * PAGE * pages
        if self.path is None:
            held = bytearray(size)
            if hasattr(self, "_words"):
                held[: self._words.nbytes] = self._words.cast("B")
            self._words = memoryview(held).cast("Q")
            return
        try:
            with open(self.path, "ab", opener=opener) as file:
                # Zeros are written: the kernel kills a process that touches a hole in a full file system.
                file.write(bytes(max(0, size - file.tell())))
            with open(self.path, "r+b", opener=opener) as file:
                self._words = memoryview(mmap.mmap(file.fileno(), size)).cast("Q")
        except OSError as error:
            raise StorageFull(
                f"{os.path.dirname(self.path)}: no space left for the places of the seeds: {error.strerror}"
            ) from error


class _Reader(Admitted):
    """The table as another process sees it. The file is opened at the first question."""

    def __init__(self, key: bytes, path: str) -> None:
        self.key, self.path = key, path
        self._inside, self._outside = set(), {}
        self._file = -1

    def __reduce__(self) -> tuple[object, ...]:
        return (_Reader, (self.key, self.path))

    @property
    def nbytes(self) -> int:
        return os.stat(self.path or "").st_size

    def _head(self) -> memoryview:
        if self._file < 0:
            assert self.path
            self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._file)
            self._words = memoryview(mmap.mmap(self._file, 8 * PAGE, access=mmap.ACCESS_READ)).cast("Q")
        return self._words

    def _look(self, member: int) -> bool | None:
        file = self._file
        entry = _entry(self._words[_DIRECTORY], member)
        page = int.from_bytes(os.pread(file, 8, 8 * entry), sys.byteorder)
        words = memoryview(os.pread(file, 8 * PAGE, 8 * page)).cast("Q")
        return bool(words[_slot(words, 0, member)] == member)


def _entry(directory: int, member: int) -> int:
    return (directory >> 8) + (member >> (64 - (directory & 0xFF)))


def _page(words: memoryview, member: int) -> int:
    return int(words[_entry(words[_DIRECTORY], member)])


def _slot(words: memoryview, page: int, member: int) -> int:
    """Returns the slot of a member in a page, or the empty slot where it would go."""
    home = page + 1 + member % (PAGE - 1)
    for slot in range(home, page + PAGE):
        if (held := words[slot]) == 0 or held == member:
            return slot
    for slot in range(page + 1, home):
        if (held := words[slot]) == 0 or held == member:
            return slot
    return home  # the page was read while it was written


def _fill_page(members: list[int], shared: int) -> array[int]:
    """Returns a page with these members, which share `shared` leading bits."""
    page = array("Q", bytes(8 * PAGE))
    page[0] = shared << 16 | len(members)
    words = memoryview(page)
    for member in members:
        words[_slot(words, 0, member)] = member
    return page


def _restore_copy(key: bytes, words: bytes) -> Admitted:
    copy = Admitted(key)
    copy._words = memoryview(bytearray(words)).cast("Q")
    copy._pages = len(copy._words) // PAGE
    return copy
