"""Finds the kept bytes of a robots.txt by their digest, and reads them with the second reader."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from ..errors import ParseError
from ..parse.codings import decode
from .robots_reader import MOST_BYTES, Group, read_robots

_HEAD = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,9})\n")
MOST_READ = 1000
"""Files whose rules are kept in memory."""


class Bodies:
    """The bodies in the files `robots.kept`. Calls block."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._places: dict[str, tuple[Path, int, int]] = {}
        self._groups: OrderedDict[tuple[str, str, str], Group | None] = OrderedDict()
        for path in paths:
            self._find_places(path)

    def group(self, digest: str, coding: str, agent: str) -> Group | None:
        """Returns what a robots.txt says to the crawler; None: its bytes are missing, or are others."""
        key = (digest, coding, agent)
        if key in self._groups:
            self._groups.move_to_end(key)
            return self._groups[key]
        if len(self._groups) >= MOST_READ:
            self._groups.popitem(last=False)
        found = self._groups[key] = self._read(digest, coding, agent)
        return found

    def _read(self, digest: str, coding: str, agent: str) -> Group | None:
        if digest not in self._places:
            return None
        path, at, length = self._places[digest]
        with path.open("rb") as file:
            file.seek(at)
            body = file.read(length)
        if sha256(body).hexdigest() != digest:
            return None
        try:
            return read_robots(decode(body, coding, 8 * MOST_BYTES) if coding != "-" else body, agent)
        except ParseError:
            return None

    def _find_places(self, path: Path) -> None:
        with path.open("rb") as file:
            size, at = os.fstat(file.fileno()).st_size, 0
            while head := _HEAD.match(os.pread(file.fileno(), 80, at)):
                begin = at + head.end()
                at = begin + int(head[2]) + 1
                if at > size:
                    return
                self._places[head[1].decode()] = (path, begin, int(head[2]))
