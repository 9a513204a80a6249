"""Keeps scripts, styles and fonts for a while, so that pages of one site do not fetch them again (RFC 9111)."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..model import Request, Response
from ..runtime.clock import monotonic

KINDS = frozenset({"Script", "Stylesheet", "Font", "Image", "Media"})
MOST_BYTES = 64 << 20
"""Bytes of all bodies that are kept. An application has some 1 MB."""
USUAL_S = 600.0
"""How long an answer is fresh that does not say so itself (RFC 9111 4.2.2)."""
LONGEST_S = 86400.0
_MAX_AGE = re.compile(r'\bmax-age\s*=\s*"?(\d{1,10})')
_NOT_KEPT = re.compile(r"\bno-(?:store|cache)\b")

Kept = tuple[int, Sequence[tuple[bytes, bytes]], bytes]
"""Status, fields and decoded body of an answer."""


class _Item(NamedTuple):
    until: float
    answer: Kept


class Stock:
    """Answers that are fresh, by URL and Origin. The one that was used longest ago is dropped first."""

    def __init__(self, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = monotonic) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._items: OrderedDict[tuple[str, str], _Item] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def find(self, request: Request) -> Kept | None:
        """Returns the answer to a request, if a fresh one is kept."""
        key = _key(request)
        item = self._items.get(key)
        if item is None or request.method != "GET" or request.body:
            return None
        if item.until <= self._clock():
            self._drop(key)
            return None
        self._items.move_to_end(key)
        return item.answer

    def keep(self, request: Request, kind: str, response: Response, answer: Kept) -> None:
        """Keeps an answer that may be given again."""
        fresh_s = _fresh_s(response) if kind in KINDS and request.method == "GET" and answer[0] == 200 else 0.0
        if fresh_s <= 0 or len(answer[2]) > self._most_bytes // 4 or response.truncated:
            return
        key = _key(request)
        if key in self._items:
            self._drop(key)
        self._items[key] = _Item(self._clock() + fresh_s, answer)
        self._bytes += len(answer[2])
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._items)))

    def _drop(self, key: tuple[str, str]) -> None:
        self._bytes -= len(self._items.pop(key).answer[2])


def _key(request: Request) -> tuple[str, str]:
    origin = next((value for name, value in request.headers if name.lower() == "origin"), "")
    return request.url.text, origin


def _fresh_s(response: Response) -> float:
    """Returns how long an answer may be given again, by its Cache-Control; 0: not at all."""
    said = ",".join(response.all("cache-control")).lower()
    if _NOT_KEPT.search(said) or "*" in response.header("vary") or response.all("set-cookie"):
        return 0.0
    found = _MAX_AGE.search(said)
    return min(float(found[1]), LONGEST_S) if found else USUAL_S
