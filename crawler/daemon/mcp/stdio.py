"""Carries messages of the Model Context Protocol over standard input and output: one JSON value a line."""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader
from collections.abc import Awaitable, Callable

import orjson
from anyio import CancelScope, create_task_group, current_time
from anyio.abc import TaskGroup

from ...errors import ConfigError
from ...runtime.threads import run_in_thread
from .rpc import INVALID_REQUEST, encode_error, id_of

MOST_LINE = 4 << 20
"""Longest message in bytes."""
MOST_AT_ONCE = 64
"""Messages that are worked on at a time; further ones wait in the pipe."""
LAST_S = 10.0
"""Seconds that requests under way get when the input ends."""
Answer = Callable[[bytes], Awaitable[bytes | None]]
CANCELLED = "notifications/cancelled"


async def serve_stdio(answer: Answer) -> None:
    """Answers messages from standard input on standard output until the input ends. Raises ConfigError."""
    reader = StreamReader(limit=MOST_LINE)
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (ValueError, OSError) as error:
        raise ConfigError("crawl mcp speaks with a program over pipes: let an MCP client start it") from error
    try:
        await talk(reader, answer, _write_line)
    finally:
        transport.close()


async def talk(reader: StreamReader, answer: Answer, write: Callable[[bytes], object]) -> None:
    """Answers each line of `reader` by `write`, in a thread, as soon as its answer is there.

    A request that the client cancels gets no answer. When the input ends, requests under way get LAST_S to finish.
    """
    talk = _Talk(answer, write)
    async with create_task_group() as tasks:
        while line := await _read_line(reader):
            await talk.take(line, tasks)
        tasks.cancel_scope.deadline = current_time() + LAST_S


class _Talk:
    """The requests of one client that are under way."""

    def __init__(self, answer: Answer, write: Callable[[bytes], object]) -> None:
        self._answer = answer
        self._write = write
        self._turn = asyncio.Lock()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._under_way: dict[str | int, CancelScope] = {}

    async def take(self, line: bytes, tasks: TaskGroup) -> None:
        """Begins to answer a message. Waits for a place if many are under way."""
        message = _peek(line)
        if len(line) > MOST_LINE:
            await self._tell(encode_error(INVALID_REQUEST, f"a message has at most {MOST_LINE:,} bytes"))
        elif (gone := _cancels(message)) is not None:
            if gone in self._under_way:
                self._under_way[gone].cancel()
        elif line.strip():
            await self._places.acquire()
            tasks.start_soon(self._serve, line, id_of(message))

    async def _serve(self, line: bytes, number: str | int | None) -> None:
        try:
            with CancelScope() as scope:
                if number is not None:
                    self._under_way[number] = scope
                await self._tell(await self._answer(line))
        finally:
            self._places.release()
            if number is not None:
                self._under_way.pop(number, None)

    async def _tell(self, said: bytes | None) -> None:
        if said is not None:
            async with self._turn:
                with CancelScope(shield=True):  # half a line would end the talk
                    await run_in_thread(self._write, said)


async def _read_line(reader: StreamReader) -> bytes:
    """Returns the next line; one that is longer than allowed is read to its end, and returned too long."""
    pieces = b""
    while True:
        try:
            return pieces + await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return pieces + error.partial
        except asyncio.LimitOverrunError as error:
            await reader.readexactly(error.consumed)
            pieces = b"x" * (MOST_LINE + 1)


def _peek(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _cancels(message: object) -> str | int | None:
    """Returns the id of the request that a notification cancels; None: it is another message."""
    if not isinstance(message, dict) or message.get("method") != CANCELLED:
        return None
    params = message.get("params")
    return id_of({"id": params.get("requestId")}) if isinstance(params, dict) else None


def _write_line(answer: bytes) -> None:
    sys.stdout.buffer.write(answer if answer.endswith(b"\n") else answer + b"\n")
    sys.stdout.buffer.flush()
