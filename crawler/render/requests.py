"""Answers the requests of one page, as the browser pauses them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from anyio.abc import TaskGroup

from .cdp import BrowserGone, CommandFailed, Connection
from .supply import Answer, Asked, Owner, Supply

MOST_AT_ONCE = 8
"""Requests of one page that are answered at a time."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_BODY = frozenset({204, 205, 304})
_REDIRECT = range(300, 400)


@dataclass(slots=True, eq=False)
class Requests:
    """The requests of one page: its document, which we have, and all others, which its supply answers."""

    connection: Connection
    session: str
    frame: str
    """The main frame."""
    url: str
    document: Answer
    supply: Supply
    owner: Owner
    most: int
    """All further requests fail."""
    tasks: TaskGroup
    is_given: bool = False
    """Whether the document was handed to the browser."""
    is_pressing: bool = False
    """Whether links are pressed now. Then requests that may change something at the site are refused."""
    moved_to: str = ""
    """The page that a script went on to."""
    led_to: list[str] = field(default_factory=list)
    """Pages that scripts wanted to go on to while links were pressed."""
    asked: int = 0
    answered: int = 0
    refused: int = 0
    waiting: int = 0
    """Requests that are not answered yet."""
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    _seats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    def take(self, said: dict[str, Any]) -> None:
        """Has one request answered, or refuses it. Waits for nothing."""
        number, kind = said["requestId"], said.get("resourceType", "")
        is_document = kind == "Document" and said.get("frameId") == self.frame
        if is_document and not self.is_given:
            self.is_given = True
            self._start(self._hand_over, number, self.document)
        elif is_document:  # a script goes on to another page, which is a link like any other
            self._note_move(said.get("request", {}))
            self._fail(number, "Aborted")
        elif self.is_pressing and said.get("request", {}).get("method", "GET") not in _SAFE:
            self._fail(number)
        else:
            self._take_further(number, _read_request(said, kind))

    async def settle(self, most_s: float) -> None:
        """Waits until all are answered, or so many seconds of the page's time have passed."""
        if self.waiting:
            self._quiet.clear()
            await self.owner.clock.wait(self._quiet, most_s)

    def _take_further(self, number: str, asked: Asked) -> None:
        self.asked += 1
        if self.asked > self.most:
            self.refused += 1
            self._fail(number)
            return
        self.waiting += 1
        self._start(self._answer, number, asked)

    def _note_move(self, request: dict[str, Any]) -> None:
        url = str(request.get("url", ""))
        if request.get("method") != "GET" or url.split("#", maxsplit=1)[0] == self.url:
            return
        if self.is_pressing:
            self.led_to.append(url)
        else:
            self.moved_to = self.moved_to or url

    def _start(self, work: Any, *arguments: object) -> None:
        if not self.tasks.cancel_scope.cancel_called:
            self.tasks.start_soon(work, *arguments)

    def _fail(self, number: str, reason: str = "BlockedByClient") -> None:
        with suppress(BrowserGone):
            self.connection.send("Fetch.failRequest", self.session, requestId=number, errorReason=reason)

    async def _answer(self, number: str, asked: Asked) -> None:
        async with self._seats:
            answer = await self.supply.answer(asked, self.owner)
        if answer is None:
            self._fail(number)
        else:
            self.answered += 1
            await self._hand_over(number, answer)
        self.waiting -= 1
        if not self.waiting:
            self._quiet.set()

    async def _hand_over(self, number: str, answer: Answer) -> None:
        """Gives the browser an answer; one that it does not take fails."""
        fields = b"\0".join(b"%s: %s" % (name, value) for name, value in answer.headers)
        has_body = answer.status not in _NO_BODY and answer.status not in _REDIRECT
        try:
            await self.connection.call(
                "Fetch.fulfillRequest", self.session, requestId=number, responseCode=answer.status,
                binaryResponseHeaders=_encode(fields), body=_encode(answer.body if has_body else b""),
            )  # fmt: skip
        except CommandFailed:
            self._fail(number, "Failed")
        except BrowserGone:
            return


def _read_request(said: dict[str, Any], kind: str) -> Asked:
    request = said.get("request", {})
    entries: Sequence[dict[str, str]] = request.get("postDataEntries", ())
    body = b"".join(base64.b64decode(entry.get("bytes", "")) for entry in entries)
    return Asked(request.get("url", ""), request.get("method", "GET"), kind, request.get("headers", {}), body)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
