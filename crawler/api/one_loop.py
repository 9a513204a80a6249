"""One event loop among several: it visits what its shards hold, and tells its parent how it goes."""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress

import anyio

from ..assembly import parts
from ..assembly.crawl_parts import Stacking
from ..assembly.parsing import take_parse
from ..assembly.works import Works
from ..backends.sqlite import open_sqlite_backend
from ..engine.engine import Engine
from ..errors import CrawlError, unwrap_group
from ..frontier.backend import Fenced
from ..frontier.sharded import ShardedFrontier, open_sharded
from ..loops import figures
from ..loops.order import FIGURES_S, LoopOrder, pack, read, read_order
from ..model import Request
from ..sinks import make_outputs
from ..sinks.preferences import PreferencesFile
from ..sinks.segments import Segment

TTL_S = 6.0
"""Seconds after which a silent loop loses its shards. The parent knows sooner of one that died."""


async def serve(ours: socket.socket) -> None:
    """Runs one loop over the socket that the parent made."""
    reader, writer = await asyncio.open_connection(sock=ours)
    order = await read_order(reader)
    if order is None:
        return
    try:
        with unwrap_group():
            await _run(order, reader, writer)
    except Fenced:
        return  # the parent starts it again
    except CrawlError as error:
        _send(writer, {"error": type(error).__name__, "text": str(error)})
    with suppress(ConnectionError):
        await writer.drain()


async def _run(order: LoopOrder, reader: StreamReader, writer: StreamWriter) -> None:
    async with AsyncExitStack() as stack:
        config, terms = order.config, parts.terms(order.config)
        backend = await stack.enter_async_context(
            open_sqlite_backend(order.frontier, durability=config.frontier.files_survive, ttl_s=TTL_S)
        )
        frontier = await stack.enter_async_context(open_sharded(backend, order.node, terms, peers=order.peers))
        works = await _open_works(stack, order, frontier)
        engine = works.engine_of(config, _Quota(frontier))
        await works.roots.fill()
        frontier.node.allowances.limit_pages(config.scope.limit)
        frontier.node.tell_by(works.seat.wake)
        frontier.node.hurry()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_obey, reader, engine)
            tasks.start_soon(_report, writer, engine, frontier)
            summary = await engine.run(_no_seeds())
            tasks.cancel_scope.cancel()
        told = figures.tell(engine.metrics, frontier.counts(), 0)
    _send(writer, {"figures": told, "ended": summary.ended})


async def _open_works(stack: AsyncExitStack, order: LoopOrder, frontier: ShardedFrontier) -> Works:
    config, member = order.config, frontier.node.member
    life = f"{member.node}.{member.incarnation}"
    is_synced = config.frontier.durability == "power"
    outputs = zip(make_outputs(order.folder, config), config.sinks, strict=True)
    sinks = tuple(Segment(order.folder, output, sink, life, is_synced=is_synced) for output, sink in outputs)
    preferences = (PreferencesFile(order.folder, is_synced=is_synced, life=life),) if config.usage.purpose else ()
    extract = take_parse(None, config, config.extract.function)
    stacking = Stacking(
        stack, config, None, (*sinks, *preferences), None, extract, None, 1.0, frontier=frontier, audit_in=order.folder,
        loop=member.node,
    )  # fmt: skip
    return await stacking.works()


async def _obey(reader: StreamReader, engine: Engine) -> None:
    """Does what the parent says. A loop without a parent drops its visits: another run makes them again."""
    acts = {"stop": engine.stop, "abort": engine.abort, "pause": engine.pause, "resume": engine.resume}
    while (message := await read(reader)) is not None:
        acts[str(message["do"])]()
    engine.abort()


async def _report(writer: StreamWriter, engine: Engine, frontier: ShardedFrontier) -> None:
    while True:
        in_flight = engine.metrics.in_flight
        _send(writer, {"figures": figures.tell(engine.metrics, frontier.counts(), in_flight)})
        await asyncio.sleep(FIGURES_S)


def _send(writer: StreamWriter, message: Mapping[str, object]) -> None:
    """Sends a message. Does nothing if the parent is gone."""
    with suppress(ConnectionError, RuntimeError):
        writer.write(pack(message))


class _Quota:
    """The pages that this loop may fetch, for its engine."""

    def __init__(self, frontier: ShardedFrontier) -> None:
        self._frontier = frontier

    @property
    def is_used_up(self) -> bool:
        return self._frontier.node.allowances.is_used_up

    def left(self, out: int) -> int:
        return self._frontier.node.pages_left(out)


async def _no_seeds() -> AsyncIterator[Sequence[Request]]:
    """Yields nothing: the parent has added all seeds."""
    nothing: Sequence[Sequence[Request]] = ()
    for batch in nothing:
        yield batch
