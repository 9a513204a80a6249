"""Reads an audit of requests line by line, and finds where it was changed. It shares no code with what wrote it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

SEAL = 32
LONGEST = 1 << 24
"""Bytes of the longest line that is read. Terms with settings of many sites are the longest."""
_BEGIN, _END, _BODY = 11, (5, 6), 7
"""Words of each kind of line, its seal included."""


class Terms(NamedTuple):
    """The terms of politeness that hold from this line on."""

    at: float
    is_new_run: bool
    said: dict[str, Any]


class Begin(NamedTuple):
    """A request that is about to leave."""

    at: float
    number: int
    method: str
    url: str
    address: str
    purpose: str
    source: int
    rule_line: int
    why: str
    rest_s: float
    least_s: float

    @property
    def site(self) -> str:
        return "/".join(self.url.split("/", 3)[:3])

    @property
    def path(self) -> str:
        rest = self.url.split("/", 3)[3:]
        return f"/{rest[0]}" if rest else "/"


class End(NamedTuple):
    """The end of a request. A status of 0: there was no whole answer."""

    at: float
    number: int
    status: int
    size: int
    retry_after: str


class Body(NamedTuple):
    """The bytes of a robots.txt."""

    at: float
    number: int
    digest: str
    coding: str


class Gap(NamedTuple):
    """Lines that the crawl itself found missing."""

    at: float
    said: dict[str, Any]


class Tampered(NamedTuple):
    """A line whose seal is wrong, or that cannot be read."""

    why: str


class Read(NamedTuple):
    """One line: what it says, its number from 1 on, and where it ends."""

    said: Terms | Begin | End | Body | Gap | Tampered | None
    number: int
    end: int
    seal: str


def read_lines(file: IO[bytes]) -> Iterator[Read]:
    """Yields what each whole line says. A line whose seal is wrong is yielded as Tampered before what it says."""
    before, end, number = "", 0, 0
    while (raw := file.readline(LONGEST)).endswith(b"\n"):
        number, end = number + 1, end + len(raw)
        text, _, hashed = raw[:-1].decode("ascii", "replace").rpartition(" ")
        if sha256(f"{before} {text}".encode()).hexdigest()[:SEAL] != hashed:
            why = "its seal is wrong: it was changed, or a line before it was changed, dropped or moved"
            yield Read(Tampered(why), number, end, hashed)
        try:
            yield Read(_read(text, number), number, end, hashed)
        except (ValueError, TypeError, KeyError):
            yield Read(Tampered("it cannot be read"), number, end, hashed)
        before = hashed
    if raw and len(raw) == LONGEST:
        yield Read(Tampered("it is longer than any line is"), number + 1, end, "")


def _read(text: str, number: int) -> Terms | Begin | End | Body | Gap | None:
    """Returns what a line says, without its seal; None: its title. Raises ValueError."""
    kind, _, rest = text.partition(" ")
    if kind in ("R", "T", "G"):
        at, _, said = rest.partition(" ")
        told = json.loads(said)
        if not isinstance(told, dict):
            raise ValueError("no object")
        return Gap(float(at), told) if kind == "G" else Terms(float(at), kind == "R", told)
    words = text.split(" ")
    if kind == ">" and len(words) == _BEGIN:
        at, n, method, url, address, purpose, rule, why, rest_s, least_s = words[1:]
        source, _, line = rule.partition(":")
        return Begin(
            float(at), int(n), method, url, address, purpose, int(source), int(line), why, float(rest_s), float(least_s)
        )
    if kind == "<" and len(words) in _END:
        at, n, status, size, *more = words[1:]
        if status == "-":
            return End(float(at), int(n), 0, 0, "")
        return End(float(at), int(n), int(status), int(size), unquote(more[0]) if more else "")
    if kind == "B" and len(words) == _BODY - 1:
        return Body(float(words[1]), int(words[2]), words[3], unquote(words[5]))
    if kind == "#" and number == 1:
        return None
    raise ValueError("no such line")
