"""Encodes data of the user's own function, and lists of links, as JSON of bounded size.

orjson ends the process if memory is refused to it. The memory of a worker is limited, so the data is measured first,
and the limit is raised while orjson works.
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
"""Bytes of data as JSON."""
_TOO_MUCH = f"more than {MAX_BYTES} bytes of JSON"
ROOM_BYTES = 48 * MAX_BYTES
"""Address space that orjson may use.

It reserves 8 bytes for each byte of a text in advance, doubles its buffer when it is too small, and holds both buffers
while it copies. A number that we count as one byte may take 20.
"""
_DEPTH = 255
"""orjson raises an error for deeper nesting."""
_raising = threading.Lock()
"""Protects the limit, which belongs to the whole process, because pages may be read in threads."""
_LEAVES = frozenset({int, float, bool, type(None)})


class _HoldsModel(Exception):
    """Raised for data in which a model was found."""


def encode(data: object) -> bytes:
    """Returns data as JSON. Raises ValueError for more than MAX_BYTES, and the errors of orjson.

    Models of pydantic are written as they write themselves.
    """
    try:
        room = _measure(data, MAX_BYTES, 0)
    except _HoldsModel:
        data = _dump_models(data, 0)
        room = _measure(data, MAX_BYTES, 0)
    if room < 0:
        raise ValueError(_TOO_MUCH)
    packed = encode_bounded(data)
    if len(packed) > MAX_BYTES:
        raise ValueError(_TOO_MUCH)
    return packed


def encode_bounded(data: object) -> bytes:
    """Returns data as JSON. The caller knows that it is not much larger than MAX_BYTES."""
    with _room(ROOM_BYTES):
        return orjson.dumps(data)


def _measure(value: object, room: int, depth: int) -> int:
    """Returns the room that is left after a value; below 0 the value is certainly too large.

    It never counts more than JSON takes, so it refuses nothing that fits. A text counts its bytes in UTF-8, everything
    else counts one byte.
    """
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
    """Yields the parts that orjson would write: keys and values, elements, fields."""
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
    elif _is_model(value):
        raise _HoldsModel


def _is_model(value: object) -> bool:
    """Whether this is a model of pydantic, or of a library that does the same."""
    return callable(getattr(type(value), "model_dump", None))


def _dump_models(value: object, depth: int) -> object:
    """Returns the data with plain values in place of its models."""
    if depth > _DEPTH:
        return value
    if _is_model(value):
        return value.model_dump(mode="json")  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {name: _dump_models(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_dump_models(inner, depth + 1) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        names = getattr(value, "__dict__", None) or [field.name for field in fields(value)]
        return {name: _dump_models(getattr(value, name, None), depth + 1) for name in names if not name.startswith("_")}
    return value


@contextmanager
def _room(more: int) -> Iterator[None]:
    """Raises the limit of this process's address space within the block, if there is one and it may be raised."""
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
