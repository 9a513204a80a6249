"""Speaks the Chrome DevTools Protocol over the two pipes of a browser: commands, their answers, and events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

Event = Callable[[str, dict[str, Any]], None]
"""Takes the name of an event and its parameters. It must not wait."""

MOST_BYTES = 96 << 20
"""The largest message that is read. Pages of ours are smaller; a larger one is a hostile one, and costs the browser."""


class BrowserGone(Exception):
    """The browser has ended, or speaks no more."""


class CommandFailed(Exception):
    """The browser refused one command: mostly its page is gone."""


class Connection(asyncio.Protocol):
    """The line to one browser. Commands of many pages go over it at the same time."""

    def __init__(self) -> None:
        self.is_open: bool = True
        self.on_end: Callable[[], None] = lambda: None
        """Called once, when the browser can no longer be reached."""
        self._writer: asyncio.WriteTransport | None = None
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: dict[str, Event] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def write_to(self, writer: asyncio.WriteTransport) -> None:
        """Sends commands by this transport from now on."""
        self._writer = writer

    def listen(self, session: str, listener: Event) -> None:
        """Hands all events of a session to a listener, until `forget`. The empty one is the browser's own."""
        self._listeners[session] = listener

    def forget(self, session: str) -> None:
        """Drops the events of a session."""
        self._listeners.pop(session, None)

    async def call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Sends a command and returns its result. Raises CommandFailed, BrowserGone. Safe to cancel."""
        number = self.send(method, session, **parameters)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            return await future
        finally:
            self._waiting.pop(number, None)

    def send(self, method: str, session: str = "", **parameters: object) -> int:
        """Sends a command whose result nobody waits for; returns its number. Raises BrowserGone."""
        if not self.is_open or self._writer is None:
            raise BrowserGone("the browser has ended")
        self._numbers += 1
        message: dict[str, object] = {"id": self._numbers, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._writer.write(orjson.dumps(message) + b"\0")
        return self._numbers

    # -- called by the loop ------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Takes what the browser sends; each message ends with a zero."""
        *ends, rest = data.split(b"\0")
        for end in ends:
            message = b"".join((*self._parts, end))
            self._parts, self._size = [], 0
            self._take(message)
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > MOST_BYTES:
                self.end()

    def connection_lost(self, error: Exception | None) -> None:
        """Ends all waiting: the browser has closed its pipe."""
        self.end()

    def end(self) -> None:
        """Gives every command that still waits a BrowserGone. A second call does nothing."""
        if not self.is_open:
            return
        self.is_open = False
        self._parts = []
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(BrowserGone("the browser has ended"))
        self.on_end()

    def _take(self, message: bytes) -> None:
        try:
            said = orjson.loads(message)
        except orjson.JSONDecodeError:  # a lone surrogate, or a browser that has lost its way: both cost the message
            said = _loads_leniently(message)
        if not isinstance(said, dict):
            return
        if "id" in said:
            self._answer(said)
        elif listener := self._listeners.get(said.get("sessionId", "")):
            listener(said.get("method", ""), said.get("params", {}))

    def _answer(self, said: dict[str, Any]) -> None:
        future = self._waiting.get(said["id"])
        if future is None or future.done():
            return
        if "error" in said:
            future.set_exception(CommandFailed(str(said["error"].get("message", ""))))
        else:
            future.set_result(said.get("result", {}))


def _loads_leniently(message: bytes) -> object:
    """Reads JSON with lone surrogates, which scripts can make and orjson refuses. None: it is no JSON at all."""
    import json  # noqa: PLC0415 - needed for hostile pages alone

    try:
        return json.loads(message)
    except ValueError:
        return None
