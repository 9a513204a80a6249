"""Runs one node of a crawl in an engine: joins, works until the whole crawl is finished, and joins again if need be."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crawler import Fenced, FrontierError, claim_node, join_engine, open_engine

from .exit_codes import Exit
from .run_crawl import CrawlOrder, run_crawl
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import Snapshot

PATIENCE_S = 120.0
"""How long a node that joins again waits for an engine that is away."""
PAUSE_S = 0.5
MOST_DIGESTED = 256 << 20
"""Lists of seeds up to this size are compared with those of the other nodes."""


async def run_node(job: CrawlOrder, url: str) -> Exit:
    """Works on the crawl that is named like the folder, until it is finished at all nodes. Returns the exit code."""
    name = job.folder.name
    if job.fresh:
        from crawler import ConfigError

        raise ConfigError("--fresh: a crawl in an engine cannot start over under its name: give it another one with -o")
    if job.config.offload.loops > 1:
        from crawler import ConfigError

        raise ConfigError("--loops does not go with --engine: start the same command several times instead")
    with ExitStack() as stack:
        async with open_engine(url) as engine:
            node = stack.enter_context(claim_node(job.folder))  # before the engine has anything of it
            await engine.agree(name, job.config, digest_seeds(job.sources), job.config.frontier.shards)
        if not job.quiet:
            tell_line(f"{name}: node {node.name}, in {node.folder}")
        seeded = _Seeded(url, name)
        watch = seeded.watch if job.sources else None
        mine = replace(job, config=join_engine(job.config, url, name, node), folder=node.folder, watch=watch)
        patient_until = 0.0
        while True:
            try:
                code = await run_crawl(mine)
                await seeded.wait()
                return code
            except Fenced as error:
                if "-" in job.sources:  # standard input was read already
                    raise
                tell_line(f"{name}: {error}. The node joins again; what was not stored is fetched again")
                patient_until = time.monotonic() + PATIENCE_S
            except FrontierError:  # the engine may be away just now
                if time.monotonic() > patient_until:
                    raise
                await asyncio.sleep(PAUSE_S)


class _Seeded:
    """Tells the engine once that all seeds are stored, so that nodes without seeds (`crawl work`) may join."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._told: asyncio.Task[None] | None = None

    def watch(self, now: Snapshot) -> None:
        if not now.reads_seeds and self._told is None:
            self._told = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        try:
            async with open_engine(self._url) as engine:
                await engine.mark_seeded(self._name)
        except FrontierError:  # it is away: said by the crawl itself, and told again at its next snapshot
            self._told = None

    async def wait(self) -> None:
        """Ends the telling, if it has not ended: seeds that are still on their way are not stored."""
        if self._told is not None:
            self._told.cancel()
            await asyncio.gather(self._told, return_exceptions=True)


def digest_seeds(sources: Sequence[str]) -> str:
    """Returns a digest of the seeds; empty: they are read once alone, or too large."""
    digest = hashlib.sha256()
    for source in sources:
        path = Path(source)
        if source == "-" or (path.exists() and not path.is_file()):
            return ""
        if not path.is_file():
            digest.update(source.encode(errors="replace") + b"\n")
            continue
        if path.stat().st_size > MOST_DIGESTED:
            return ""
        digest.update(path.read_bytes())
    return digest.hexdigest()
