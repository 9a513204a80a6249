"""Renders one page in a browser: loads the document that we have, waits until it is made, and reads it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import anyio
from anyio.abc import TaskGroup

from ..errors import unwrap_group
from .acting import Actor, Steps
from .cdp import BrowserGone, CommandFailed, Connection
from .steps import SCRIPT
from .supply import Answer, Asked, Owner, Supply

GRACE_S = 3.0
"""Time that a page gets to be read once its own time is over, and time that it has to close."""
MOST_AT_ONCE = 8
"""Requests of one page that are answered at a time."""
MOST_CHARACTERS = 8 << 20
"""Characters of a document that are read."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_BODY = frozenset({204, 205, 304})
_REDIRECT = range(300, 400)
_READ = """
(() => {
  for (const one of document.querySelectorAll('noscript')) one.remove();
  const roots = [];
  for (const walker = document.createTreeWalker(document, 1); walker.nextNode();)
    if (walker.currentNode.shadowRoot) roots.push(walker.currentNode.shadowRoot);
  const inner = (root) => {
    for (const walker = document.createTreeWalker(root, 1); walker.nextNode();) {
      const shadow = walker.currentNode.shadowRoot;
      if (shadow) { roots.push(shadow); inner(shadow); }
    }
  };
  for (const root of roots.slice()) inner(root);
  const top = document.documentElement;
  if (!top) return ['', 0];
  const shell = top.cloneNode(false).outerHTML.split('</')[0];
  const inside = top.getHTML ? top.getHTML({shadowRoots: roots}) : top.innerHTML;
  const html = '<!DOCTYPE html>' + shell + inside + '</html>';
  return [html.slice(0, MOST), html.length];
})()
""".replace("MOST", str(MOST_CHARACTERS))
"""Reads the document with its open shadow roots. It runs in a world of its own, which no script of the page changes."""


class PageGone(Exception):
    """The page ended: it took too much memory, crashed, or did not answer any more."""


class _TimeUp(Exception):
    """The time of the page was over before it answered."""


class Loaded(NamedTuple):
    """A document as its scripts made it."""

    html: str
    note: str = ""
    moved_to: str = ""
    led_to: tuple[str, ...] = ()
    """Links that the document had on the way, or has in another state."""
    requests: int = 0


@dataclass(frozen=True, slots=True)
class PageTerms:
    """Terms that all pages of a crawl share."""

    timeout_s: float
    settle_s: float
    max_requests: int
    steps: Steps


@dataclass(slots=True, eq=False)
class Tab:
    """One page on its way through a browser."""

    connection: Connection
    supply: Supply
    terms: PageTerms
    url: str
    document: Answer
    owner: Owner
    session: str = ""
    frame: str = ""
    loader: str = ""
    """The id of the document's own loading. Events of others, such as that of the empty page before, do not count."""
    moved_to: str = ""
    led_to: list[str] = field(default_factory=list)
    """Pages that scripts wanted to go on to while links were pressed."""
    is_pressing: bool = False
    """Whether links are pressed now. Then requests that may change something at the site are refused."""
    world: int = 0
    """The world in the page that is ours alone; 0: there is none yet."""
    asked: int = 0
    answered: int = 0
    refused: int = 0
    tasks: TaskGroup | None = None
    is_given: bool = False
    """Whether the document was handed to the browser."""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the load event of the document."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the page has asked for nothing for half a second, or can no longer do so."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its process has ended."""
    seats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    waiting: int = 0
    """Requests of the page that are not answered yet."""
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while it waits for no answer."""

    async def run(self, target: str) -> Loaded:
        """Loads the document in a new target and reads it. Raises PageGone, BrowserGone."""
        async with asyncio.timeout(self.terms.timeout_s + GRACE_S):
            said = await self.connection.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session, self.frame = said["sessionId"], target
        self.connection.listen(self.session, self._hear)
        result: Loaded | PageGone | BrowserGone
        try:
            with unwrap_group():
                async with anyio.create_task_group() as self.tasks:
                    try:
                        result = await self._load()
                    except (PageGone, BrowserGone) as error:
                        result = error
                    self.tasks.cancel_scope.cancel()
        finally:
            self.connection.forget(self.session)
        if isinstance(result, Exception):
            raise result
        return result

    async def _load(self) -> Loaded:
        call, session = self.connection.call, self.session
        try:
            async with asyncio.timeout(self.terms.timeout_s + GRACE_S):
                await asyncio.gather(
                    call("Page.enable", session),
                    call("Inspector.enable", session),
                    call("Page.setLifecycleEventsEnabled", session, enabled=True),
                    call("Network.setBypassServiceWorker", session, bypass=True),
                    call("Fetch.enable", session, patterns=[{"urlPattern": "*"}]),
                )
            self._spawn_navigation()
            note = await self._wait_until_made()
        except CommandFailed as error:
            raise PageGone(str(error)) from error
        except TimeoutError as error:
            raise PageGone("the browser did not open a page for it") from error
        actor = Actor(self.terms.steps, self._ask, self._settle)
        notes = [note]
        if not note:
            notes.append(await self._act(actor.make))
        html, length = await self._read()
        if length > len(html):
            notes.append(f"only the first {len(html):,} of {length:,} characters of the rendered document were read")
        led_to = await self._look_further(actor) if not any(notes) else ()
        if self.refused:
            notes.append(
                f"{self.refused} requests of the page were refused: it made more than {self.terms.max_requests}"
            )
        note = "; ".join(filter(None, [*notes, *actor.notes]))
        return Loaded(html, note, self.moved_to, led_to, self.answered)

    async def _act(self, work: Callable[[], Awaitable[None]]) -> str:
        """Takes steps on the page; returns a note if they were cut off. Raises PageGone, BrowserGone."""
        if self.terms.steps.are_none:
            return ""
        try:
            await self._ask(SCRIPT)
            await work()
        except _TimeUp:
            self._terminate()
            return f"its steps were cut off after {self.terms.timeout_s:g} s"
        except CommandFailed as error:
            return f"its steps were cut off: {error}"
        return ""

    async def _look_further(self, actor: Actor) -> tuple[str, ...]:
        """Returns the links that the document does not have, in its other states too. Raises PageGone, BrowserGone."""
        found: list[str] = []

        async def look() -> None:
            self.is_pressing = True
            await actor.visit_states()
            found.extend(await actor.find_links())

        try:
            if note := await self._act(look):
                actor.notes.append(note)
        except PageGone as error:  # the document was read before
            actor.notes.append(f"its steps were cut off: {error}")
        return tuple(dict.fromkeys([*found, *self.led_to]))

    def _spawn_navigation(self) -> None:
        assert self.tasks is not None
        self.tasks.start_soon(self._navigate)

    async def _navigate(self) -> None:
        """Starts the navigation. The answer comes once the document is there, and never if a script hangs first."""
        with suppress(CommandFailed, BrowserGone):
            await self.connection.call("Page.navigate", self.session, url=self.url)

    async def _wait_until_made(self) -> str:
        """Waits for the end of loading; returns a note if it was cut off. Raises PageGone, BrowserGone."""
        is_loaded = await self.owner.clock.wait(self.loaded)
        if is_loaded:
            await self.owner.clock.wait(self.idle, self.terms.settle_s)
        self._check_alive()
        if self.owner.clock.left_s > 0:
            return ""
        self._terminate()
        return f"loading was cut off after {self.terms.timeout_s:g} s"

    def _terminate(self) -> None:
        """Ends an endless script, so that the document can be read. Raises BrowserGone."""
        self.connection.send("Runtime.terminateExecution", self.session)

    async def _settle(self, most_s: float) -> None:
        """Waits until the page waits for no answer, or so many seconds of its time have passed."""
        if self.waiting:
            self.quiet.clear()
            await self.owner.clock.wait(self.quiet, most_s)

    async def _ask(self, expression: str) -> object:
        """Returns the value of an expression in the page. Raises _TimeUp, CommandFailed, PageGone, BrowserGone."""
        answered = asyncio.Event()
        asking = asyncio.ensure_future(self._evaluate(expression))
        asking.add_done_callback(lambda _: answered.set())
        try:
            while not answered.is_set() and not self.over.is_set() and self.owner.clock.left_s > 0:
                await self.owner.clock.wait(answered, 1.0)
        finally:
            if not asking.done():
                asking.cancel()
        self._check_alive()
        if not asking.done():
            raise _TimeUp
        return asking.result()

    async def _read(self) -> tuple[str, int]:
        """Returns the document and its length in characters. Raises PageGone, BrowserGone."""
        ended = asyncio.ensure_future(self.over.wait())
        reading = asyncio.ensure_future(self._evaluate(_READ, GRACE_S))
        try:
            async with asyncio.timeout(GRACE_S + max(0.0, min(self.owner.clock.left_s, GRACE_S))):
                await asyncio.wait([ended, reading], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise PageGone(f"its scripts did not end within {self.terms.timeout_s:g} s") from error
        finally:
            ended.cancel()
            if not reading.done():
                reading.cancel()
        self._check_alive()
        try:
            html, length = cast("Sequence[object]", reading.result())
        except CommandFailed as error:
            raise PageGone(f"it could not be read: {error}") from error
        return str(html), int(str(length))

    async def _evaluate(self, expression: str, most_s: float | None = None) -> object:
        """Returns the value of an expression in a world of ours. Raises CommandFailed, BrowserGone."""
        call = self.connection.call
        if not self.world:
            said = await call("Page.createIsolatedWorld", self.session, frameId=self.frame, worldName="crawld")
            self.world = said["executionContextId"]
        bound = {} if most_s is None else {"timeout": most_s * 1000}
        said = await call(
            "Runtime.evaluate", self.session, expression=expression, contextId=self.world, returnByValue=True,
            awaitPromise=True, **bound,
        )  # fmt: skip
        if details := said.get("exceptionDetails"):
            raise CommandFailed(_complaint(details))
        return said.get("result", {}).get("value")

    def _check_alive(self) -> None:
        if not self.connection.is_open:
            raise BrowserGone("the browser has ended")
        if self.over.is_set():
            raise PageGone("its process ended: it took more memory than render.tab_memory_bytes, or crashed")

    # -- events: nothing here waits ----------------------------------------------------------------------------------

    def _hear(self, event: str, said: dict[str, Any]) -> None:
        match event:
            case "Fetch.requestPaused":
                self._take_request(said)
            case "Page.lifecycleEvent" if said.get("frameId") == self.frame and self.is_given:
                self._note_stage(said)
            case "Page.javascriptDialogOpening":
                self._send("Page.handleJavaScriptDialog", accept=False)
            case "Inspector.targetCrashed" | "Inspector.detached":
                self.over.set()
                self._wake()

    def _note_stage(self, said: dict[str, Any]) -> None:
        if said.get("name") == "init" and not self.loader:
            self.loader = said.get("loaderId", "")
        if said.get("loaderId") != self.loader:
            return
        if said.get("name") == "load":
            self.loaded.set()
        elif said.get("name") == "networkIdle":
            self.loaded.set()
            self.idle.set()

    def _wake(self) -> None:
        self.loaded.set()
        self.idle.set()

    def _take_request(self, said: dict[str, Any]) -> None:
        number, kind = said["requestId"], said.get("resourceType", "")
        is_document = kind == "Document" and said.get("frameId") == self.frame
        if is_document and not self.is_given:
            self.is_given = True
            self._start(self._hand_over, number, self.document)
        elif is_document:  # a script goes on to another page, which is a link like any other
            url = str(said.get("request", {}).get("url", ""))
            if url.split("#", maxsplit=1)[0] != self.url and said["request"].get("method") == "GET":
                self._note_move(url)
            self._send("Fetch.failRequest", requestId=number, errorReason="Aborted")
        elif self.is_pressing and said.get("request", {}).get("method", "GET") not in _SAFE:
            self._send("Fetch.failRequest", requestId=number, errorReason="BlockedByClient")
        else:
            self.asked += 1
            if self.asked > self.terms.max_requests:
                self.refused += 1
                self._send("Fetch.failRequest", requestId=number, errorReason="BlockedByClient")
            else:
                self.waiting += 1
                self._start(self._answer, number, _read_request(said, kind))

    def _note_move(self, url: str) -> None:
        if self.is_pressing:
            self.led_to.append(url)
        else:
            self.moved_to = self.moved_to or url

    def _start(self, work: Any, *arguments: object) -> None:
        if self.tasks is not None and not self.tasks.cancel_scope.cancel_called:
            self.tasks.start_soon(work, *arguments)

    def _send(self, method: str, **parameters: object) -> None:
        with suppress(BrowserGone):
            self.connection.send(method, self.session, **parameters)

    # -- answers -----------------------------------------------------------------------------------------------------

    async def _answer(self, number: str, asked: Asked) -> None:
        async with self.seats:
            answer = await self.supply.answer(asked, self.owner)
        if answer is None:
            self._send("Fetch.failRequest", requestId=number, errorReason="BlockedByClient")
        else:
            self.answered += 1
            await self._hand_over(number, answer)
        self.waiting -= 1
        if not self.waiting:
            self.quiet.set()

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
            self._send("Fetch.failRequest", requestId=number, errorReason="Failed")
        except BrowserGone:
            return


def _complaint(details: dict[str, Any]) -> str:
    """Returns in one line why an expression failed."""
    thrown = details.get("exception", {}).get("description") or details.get("text", "no value")
    return str(thrown).splitlines()[0][:200]


def _read_request(said: dict[str, Any], kind: str) -> Asked:
    request = said.get("request", {})
    entries: Sequence[dict[str, str]] = request.get("postDataEntries", ())
    body = b"".join(base64.b64decode(entry.get("bytes", "")) for entry in entries)
    return Asked(request.get("url", ""), request.get("method", "GET"), kind, request.get("headers", {}), body)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
