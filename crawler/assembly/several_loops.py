"""Opens a crawl folder for several event loops, and divides the settings among these."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.limits import Limits
from ..errors import ConfigError, FolderError
from ..folder.folder import Folder
from ..frontier import Terms
from ..offload import count_cores
from ..protocols import Sink
from ..settings import Config
from ..settings.loading import amend
from ..sinks.segments import KINDS

if TYPE_CHECKING:
    from ..frontier.sharded import ShardedFrontier
    from ..loops.merging import Merger
    from ..loops.order import LoopOrder
    from ..loops.run import Loops

log = logging.getLogger(__name__)

SHARDS = 64
"""Shards of a crawl on one machine: as many loops as any machine needs, with some to share out evenly."""
MOST_LOOPS = 16
AUTO_FROM = 4
"""Cores from which on `auto` takes more than one loop."""
PATIENCE_S = 10.0
"""Seconds to wait for loops whose parent was killed: they end by themselves."""
CUT_IS_LONG = 200_000


def count_loops(config: Config) -> int:
    """Returns how many event loops a crawl gets."""
    said = config.offload.loops
    if said:
        return said
    cores = count_cores()
    return 1 if cores < AUTO_FROM else min(MOST_LOOPS, cores // 2)


def is_for_loops(config: Config, folder: Folder | None) -> bool:
    """Whether the folder is, or will be, one that several loops can work in. Raises ConfigError where it cannot be."""
    if count_loops(config) > 1:
        _check(config, folder)
        return True
    if folder is None or config.frontier.kind != "sqlite" or not folder.frontier_path.exists():
        return False
    from ..backends.sqlite import is_cut  # noqa: PLC0415 - a new folder needs none of it

    return is_cut(folder.frontier_path)


def _check(config: Config, folder: Folder | None) -> None:
    for is_so, why in _obstacles(config, folder):
        if is_so:
            raise ConfigError(f"offload.loops: {why}", ["offload.loops"], [why])


def _obstacles(config: Config, folder: Folder | None) -> list[tuple[bool, str]]:
    """Returns what several event loops cannot do, and whether these settings ask for it."""
    kinds = sorted({sink.kind for sink in config.sinks} - KINDS)
    is_on_disk = folder is not None and config.frontier.kind == "sqlite"
    said = [
        (not is_on_disk, "several event loops need a crawl folder with a frontier in SQLite"),
        (bool(kinds), f"several event loops write the format jsonl alone for now, not {', '.join(kinds)}"),
        (bool(config.fetch.cookie_file), "several event loops cannot share a file of cookies (fetch.cookie_file)"),
        (bool(config.fetch.archives), "a replay runs on one event loop"),
        (bool(config.copies.to), "several event loops make no copies for now (copies.to)"),
    ]
    return [
        *said,
        (str(config.dedupe.near_duplicates) != "keep", "several event loops find no near duplicates for now"),
    ]


async def open_cut_frontier(
    stack: AsyncExitStack, folder: Folder, config: Config, terms: Terms
) -> tuple[ShardedFrontier, int]:
    """Opens the frontier of a folder for several loops, and cuts it into shards if it is not cut yet.

    Returns it with the lock that loops inherit. Raises FrontierError, FolderError, StorageFull.
    """
    from ..backends.sqlite import cut_file, is_cut, open_sqlite_backend  # noqa: PLC0415 - one loop needs none of it
    from ..frontier.sharded import open_sharded  # noqa: PLC0415

    path, durability = folder.frontier_path, config.frontier.files_survive
    living = os.open(living_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    stack.callback(os.close, living)
    await asyncio.to_thread(_wait_for_orphans, path, living)
    if not is_cut(path):
        await asyncio.to_thread(cut_file, path, SHARDS, durability, _tell_cut)
    backend = await stack.enter_async_context(open_sqlite_backend(path, durability=durability))
    return await stack.enter_async_context(open_sharded(backend, "parent", terms, takes_all=True)), living


def _tell_cut(done: int, known: int) -> None:
    if known >= CUT_IS_LONG:
        log.warning("the frontier is being cut for several event loops, once: %d of %d URLs", done, known)


def living_path(frontier: Path) -> Path:
    """Returns the file that is locked while the parent or one of its loops lives: they share the lock."""
    return frontier.with_name(f"{frontier.name}.loops")


def _wait_for_orphans(path: Path, living: int) -> None:
    """Waits for loops of a parent that was killed, then locks the file for those of this one.

    Raises FolderError if they do not end.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(living, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise FolderError(
                    f"{path.parent} is in use: an event loop of an earlier run is still there, perhaps a stopped "
                    "process; end it and run the same command again"
                ) from None
            time.sleep(0.05)
        else:
            return


def make_loops(
    config: Config, folder: Folder, frontier: ShardedFrontier, sinks: Sequence[Sink], limits: Limits, lock: int
) -> Loops:
    """Returns what runs a crawl on several loops."""
    from ..loops.order import LoopOrder  # noqa: PLC0415 - one loop needs none of it
    from ..loops.run import Loops  # noqa: PLC0415

    number = count_loops(config)
    divided = divide(config, number)
    peers = tuple(f"loop-{loop}" for loop in range(1, number + 1))

    def order(loop: int) -> LoopOrder:
        return LoopOrder(folder.frontier_path, folder.path, divided, peers[loop - 1], peers, tuple(sys.path))

    return Loops(frontier, make_merger(frontier, folder, sinks), number, limits, order, [lock])


def make_merger(frontier: ShardedFrontier, folder: Folder, sinks: Sequence[Sink]) -> Merger:
    """Returns what moves the records of loops into the outputs."""
    from ..loops.merging import Merger  # noqa: PLC0415 - one loop needs none of it

    return Merger(frontier.node, folder.path, sinks)


def divide(config: Config, loops: int) -> Config:
    """Returns the settings of one loop among several: its part of the workers, of the places and of the memory."""
    workers = config.offload.workers or max(1, count_cores() - loops)
    speed = config.fetch.bytes_per_s
    return amend(
        config,
        {
            "offload": {"loops": 1, "workers": max(1, workers // loops)},
            "fetch": {
                "concurrency": -(-config.fetch.concurrency // loops),
                "budget_bytes": max(config.fetch.max_body_bytes, config.fetch.budget_bytes // loops),
                **({"bytes_per_s": speed / loops} if speed else {}),
            },
            "frontier": {"memory_bytes": config.frontier.memory_bytes // loops},
            "scope": {"time_limit_s": None, "size_limit_bytes": None},
        },
    )
