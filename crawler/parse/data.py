"""Data of the user's own function, and lists of links, as JSON: within bounds of their own.

orjson ends the process where memory is refused to it. A worker's memory is bounded, so what is encoded is measured
first, and the bound is raised for as long as that may take.
"""

from __future__ import annotations

import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from enum import Enum

import orjson

MAX_BYTES = 4 << 20
"""Of data, as JSON."""
_TOO_MUCH = f"more than {MAX_BYTES} bytes of JSON"
ROOM_BYTES = 48 * MAX_BYTES
"""Address space that orjson may take. It reserves 8 bytes for each byte of a text before it looks at it, doubles what
it has when that is too little, and holds both while it moves; 20 bytes may be a number that we count as one."""
_DEPTH = 255
"""orjson goes no deeper, and says so."""
_raising = threading.Lock()
"""The bound is the whole process's, and pages may be read in threads."""
_LEAVES = frozenset({int, float, bool, type(None)})


def encode(data: object) -> bytes:
    """Returns data as JSON. Raises ValueError where it has more than MAX_BYTES, and what orjson raises."""
    if _measure(data, MAX_BYTES, 0) < 0:
        raise ValueError(_TOO_MUCH)
    packed = encode_bounded(data)
    if len(packed) > MAX_BYTES:
        raise ValueError(_TOO_MUCH)
    return packed


def encode_bounded(data: object) -> bytes:
    """Returns as JSON what is known to be no more than some MAX_BYTES."""
    with _room(ROOM_BYTES):
        return orjson.dumps(data)


def _measure(value: object, room: int, depth: int) -> int:
    """What is left of the room; less than 0: this is surely larger. Never more than JSON takes, so nothing is refused
    that would fit; a text is measured in UTF-8, everything else as one byte."""
    room -= 1
    if isinstance(value, str):
        return room - (len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass")))
    if depth > _DEPTH:
        return room
    for part in _parts(value):
        room = room - 1 if type(part) in _LEAVES else _measure(part, room, depth + 1)
        if room < 0:
            break
    return room


def _parts(value: object) -> Iterator[object]:
    """What orjson would write of it: keys and values, elements, fields."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield inner
    elif isinstance(value, (list, tuple)):
        yield from value
    elif isinstance(value, Enum):
        yield value.value
    elif is_dataclass(value):
        for name in getattr(value, "__dict__", None) or [field.name for field in fields(value)]:
            yield name
            yield getattr(value, name, None)


@contextmanager
def _room(more: int) -> Iterator[None]:
    """Raise the bound of this process's address space for a while, where it has one and may."""
    with _raising:
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        if sys.platform != "linux" or soft == resource.RLIM_INFINITY:
            yield
            return
        wider = soft + more if hard == resource.RLIM_INFINITY else min(soft + more, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wider, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
