"""The hostile web: each behaviour on an address of its own, in a process of its own, with a log of what was asked.

`python -m tests.hostile.serve [NAME...]` prints the seeds as one line of JSON, and when its standard input ends, the
log as another.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.hostile.answers import MISSING
from tests.hostile.behaviour import Behaviour
from tests.hostile.catalogue import chosen
from tests.hostile.line import Asked, Line

CERTIFICATES = Path(__file__).with_name("certificates")
SECURE_ADDRESS = "127.66.255.1"
"""What the certificates are made out to."""
BACKLOG = 64


@dataclass(slots=True)
class Seen:
    """What a behaviour's server saw. Unix seconds."""

    connections: int = 0
    requests: int = 0
    began: float = 0.0
    longest_s: float = 0.0
    """That a connection was held from its request to its end."""


@dataclass(slots=True)
class Stage:
    """One behaviour being served."""

    behaviour: Behaviour
    url: str
    seen: Seen = field(default_factory=Seen)
    visits: Counter[str] = field(default_factory=Counter)

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first byte to its end."""
        began = time.time()
        self.seen.connections += 1
        self.seen.began = self.seen.began or began
        line = Line(reader, writer)
        try:
            await self._talk(line)
        except (EOFError, OSError, asyncio.LimitOverrunError, ValueError):
            pass  # the client is gone, or has said more than anybody should
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(5):
                    await writer.wait_closed()

    async def _talk(self, line: Line) -> None:
        nth = 0
        if self.behaviour.greets:
            await self._timed(line, Asked("", self.seen.connections, self.url))
            return
        while True:
            nth += 1
            path = (await line.head()).split(b" ")[1].decode("latin-1")
            self.seen.requests += 1
            self.visits[path] += 1
            line.stays = False
            await self._timed(line, Asked(path, self.visits[path], self.url, nth, self.seen.requests))
            if not line.stays:
                return

    async def _timed(self, line: Line, asked: Asked) -> None:
        began = time.time()
        try:
            if asked.path != "/robots.txt":
                await self.behaviour.talk(line, asked)
            elif self.behaviour.robots is not None:
                await self.behaviour.robots(line, asked)
            else:
                line.stays = True
                await line.send(MISSING)
        finally:
            self.seen.longest_s = max(self.seen.longest_s, time.time() - began)


@asynccontextmanager
async def open_stages(behaviours: Iterable[Behaviour]) -> AsyncIterator[dict[str, Stage]]:
    """All of them, served until the context ends."""
    async with AsyncExitStack() as stack:
        stages = {}
        for number, behaviour in enumerate(behaviours):
            stages[behaviour.name] = await stack.enter_async_context(_open_stage(behaviour, number))
        yield stages


@asynccontextmanager
async def _open_stage(behaviour: Behaviour, number: int) -> AsyncIterator[Stage]:
    address = SECURE_ADDRESS if behaviour.certificate else f"127.66.{number // 250}.{number % 250 + 1}"
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, 0))
    scheme = "https" if behaviour.certificate or behaviour.is_https else "http"
    stage = Stage(behaviour, f"{scheme}://{address}:{listener.getsockname()[1]}")
    if not behaviour.is_open:
        with listener:
            yield stage
        return
    server = await asyncio.start_server(
        stage.receive, sock=listener, backlog=BACKLOG, ssl=_context(behaviour.certificate), limit=1 << 20
    )
    try:
        yield stage
    finally:
        server.close()


def _context(certificate: str) -> ssl.SSLContext | None:
    if not certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
    return context


async def _main(names: list[str]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)  # handshakes that fail are what some are here for
    async with open_stages(chosen(names)) as stages:
        print(json.dumps({name: stage.url + stage.behaviour.path for name, stage in stages.items()}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps({name: asdict(stage.seen) for name, stage in stages.items()}), flush=True)
        os._exit(0)  # connections that hang are what many of them are made of: nobody waits for those


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
