"""Values as a user's function may return them. A worker imports this too, so it imports next to nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from crawler.parse import Content

MIB = 1 << 20


@dataclass
class Told:
    title: str
    kind: Any = None


class Size(Enum):
    LARGE = "x" * 5 * MIB


def nested(levels: int, inner: object = 1) -> object:
    for _ in range(levels):
        inner = [inner]
    return inner


def circle() -> object:
    one: list[object] = []
    one.append(one)
    return one


def laughs() -> object:
    told: object = "ha"
    for _ in range(40):
        told = [told, told]
    return told


FITS: dict[str, object] = {
    "one text": "x" * (4 * MIB - 2),
    "half of it": "x" * (2 * MIB),
    "controls": "\x01" * (4 * MIB // 6 - 2),
    "faces": "\U0001f600" * (MIB - 1),
    "a key": {"k" * (2 * MIB): "v" * (2 * MIB - 8)},
    "numbers": list(range(600_000)),
    "fractions": [0.1234567890123456] * 200_000,
    "lines": ["y" * 1000] * 4100,
    "deep": nested(200, "x" * (3 * MIB)),
    "fields": Told("x" * (3 * MIB), Told("y")),
}
REFUSED: dict[str, object] = {
    "one byte more": "x" * (4 * MIB - 1),
    "much more": "x" * (12 * MIB),
    "the same over and over": ["y" * 1000] * 1_000_000,
    "controls": "\x01" * (4 * MIB - 10),
    "faces": "\U0001f600" * (MIB + 1),
    "a key": {"k" * (5 * MIB): 1},
    "fields": Told("x" * (5 * MIB)),
    "a choice": [Size.LARGE],
    "laughs": laughs(),
}


def of_kind(content: Content) -> object:
    group, _, name = content.url.path[1:].replace("%20", " ").partition("/")
    return {"fits": FITS, "refused": REFUSED}[group][name]
