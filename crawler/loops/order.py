"""Defines what a parent tells its children, and what these answer: messages over one socket for each child."""

from __future__ import annotations

import struct
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from ..dataclass import dataclass
from ..settings import Config
from ..settings.loading import amend

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
    """Returns the first message to a child."""
    return pack({
        "frontier": str(order.frontier), "folder": str(order.folder), "node": order.node, "peers": order.peers,
        "import_path": order.import_path, "settings": order.config.model_dump(mode="json", exclude_unset=True),
    })  # fmt: skip


def pack(message: Mapping[str, object]) -> bytes:
    """Returns a message."""
    data = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS)
    return LENGTH.pack(len(data)) + data


async def read(reader: StreamReader) -> dict[str, Any] | None:
    """Returns the next message; None: the other side is gone."""
    try:
        [length] = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        message: dict[str, Any] = orjson.loads(await reader.readexactly(length))
    except (IncompleteReadError, ConnectionError):
        return None
    return message


async def read_order(reader: StreamReader) -> LoopOrder | None:
    """Returns the order of the parent, which started this process and alone holds the other end."""
    said = await read(reader)
    if said is None:
        return None
    return LoopOrder(
        Path(said["frontier"]), Path(said["folder"]), amend(Config(), said["settings"]), said["node"],
        tuple(said["peers"]), tuple(said["import_path"]),
    )  # fmt: skip
