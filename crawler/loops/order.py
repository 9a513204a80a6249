"""Defines what a parent tells its children, and what these answer: messages over one socket for each child."""

from __future__ import annotations

import pickle
import struct
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from ..settings import Config

LENGTH = struct.Struct("<I")
MODULE = "crawler.api.loop"
"""The program of a child."""
FIGURES_S = 0.25
"""Seconds between two reports of a child."""


@dataclass(frozen=True, slots=True)
class LoopOrder:
    """All that a child must know."""

    frontier: Path
    folder: Path
    config: Config
    """The settings, with this loop's part of workers, places and memory."""
    node: str
    peers: tuple[str, ...]
    """The nodes of all loops: they divide the shards once and for all, since the parent starts those that die again."""
    import_path: tuple[str, ...]
    """Where modules of the user's are found."""


def pack_order(order: LoopOrder) -> bytes:
    """Returns the first message to a child. Only a process of ours reads it."""
    data = pickle.dumps(order)
    return LENGTH.pack(len(data)) + data


def pack(message: Mapping[str, object]) -> bytes:
    """Returns a message."""
    data = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS)
    return LENGTH.pack(len(data)) + data


async def read_bytes(reader: StreamReader) -> bytes | None:
    """Returns the next message as it came; None: the other side is gone."""
    try:
        [length] = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        return await reader.readexactly(length)
    except (IncompleteReadError, ConnectionError):
        return None


async def read(reader: StreamReader) -> dict[str, object] | None:
    """Returns the next message; None: the other side is gone."""
    data = await read_bytes(reader)
    if data is None:
        return None
    message: dict[str, object] = orjson.loads(data)
    return message


async def read_order(reader: StreamReader) -> LoopOrder | None:
    """Returns the order of the parent, which started this process and alone holds the other end."""
    data = await read_bytes(reader)
    if data is None:
        return None
    order: LoopOrder = pickle.loads(data)
    return order
