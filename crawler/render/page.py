"""Renders one page in a browser: loads the document that we have, waits until it is made, and reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast

import anyio
from anyio.abc import TaskGroup

from ..errors import unwrap_group
from . import views
from .acting import Actor, Steps
from .cdp import BrowserGone, CommandFailed, Connection
from .requests import Requests
from .steps import SCRIPT
from .supply import Answer, Owner, Supply

_T = TypeVar("_T")
GRACE_S = 3.0
"""Time that a page gets to be read once its own time is over, and time that it has to close."""
MOST_CHARACTERS = 8 << 20
"""Characters of a document that are read."""
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


class PageCrashed(PageGone):
    """The process of the page ended. In a tab that had other pages before, these may be the reason."""


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
    screenshot: bytes = b""
    print: bytes = b""


@dataclass(frozen=True, slots=True)
class PageTerms:
    """Terms that all pages of a crawl share."""

    timeout_s: float
    settle_s: float
    max_requests: int
    steps: Steps
    views: frozenset[str] = frozenset()
    """Views of each page that are taken: some of `screenshot`, `print`."""


@dataclass(slots=True, eq=False)
class Visit:
    """One page on its way through a tab."""

    connection: Connection
    supply: Supply
    terms: PageTerms
    url: str
    document: Answer
    owner: Owner
    session: str
    """The line to its tab."""
    frame: str
    """The main frame, which has the name of the target."""
    loader: str = ""
    """The id of the document's own loading; empty: it is not known yet."""
    world: int = 0
    """The world in the page that is ours alone; 0: there is none yet."""
    _requests: Requests | None = None
    _stages: list[tuple[str, str]] = field(default_factory=list)
    """Stages of loading that were told before it is known whose they are."""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the load event of the document."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the page has asked for nothing for half a second, or can no longer do so."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its process has ended."""

    async def run(self) -> Loaded:
        """Loads the document and reads it. Raises PageGone, BrowserGone."""
        self.connection.listen(self.session, self._hear)
        result: Loaded | PageGone | BrowserGone
        try:
            with unwrap_group():
                async with anyio.create_task_group() as tasks:
                    self._requests = Requests(
                        self.connection, self.session, self.frame, self.url, self.document, self.supply, self.owner,
                        self.terms.max_requests, tasks,
                    )  # fmt: skip
                    try:
                        result = await self._load(self._requests, tasks)
                    except (PageGone, BrowserGone) as error:
                        result = error
                    tasks.cancel_scope.cancel()
        finally:
            self.connection.forget(self.session)
        if isinstance(result, Exception):
            raise result
        return result

    async def _load(self, requests: Requests, tasks: TaskGroup) -> Loaded:
        tasks.start_soon(self._navigate)
        note = await self._wait_until_made()
        actor = Actor(self.terms.steps, self._ask, requests.settle)
        notes = [note]
        if not note:
            notes.append(await self._act(actor.make))
        html, length = await self._read()
        if length > len(html):
            notes.append(f"only the first {len(html):,} of {length:,} characters of the rendered document were read")
        shown = await self._take_views(notes) if not any(notes) else {}
        led_to = await self._look_further(actor, requests) if not any(notes) else ()
        if requests.refused:
            most = self.terms.max_requests
            notes.append(f"{requests.refused} requests of the page were refused: it made more than {most}")
        note = "; ".join(filter(None, [*notes, *actor.notes]))
        return Loaded(html, note, requests.moved_to, led_to, requests.answered, **shown)

    async def _take_views(self, notes: list[str]) -> dict[str, bytes]:
        """Returns the views that are wanted. One that cannot be taken is left out, with a note. Raises BrowserGone."""
        taken: dict[str, bytes] = {}
        for view in sorted(self.terms.views):
            try:
                data = await self._within_time(views.take(view, self.connection, self.session))
            except (_TimeUp, CommandFailed, PageGone) as error:
                notes.append(f"there is no {view} of it: {str(error) or 'its time was over'}")
                continue
            if len(data) <= views.MOST_BYTES:
                taken[view] = data
            else:
                notes.append(f"there is no {view} of it, which would take {len(data):,} bytes")
        return taken

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

    async def _look_further(self, actor: Actor, requests: Requests) -> tuple[str, ...]:
        """Returns the links that the document does not have, in its other states too. Raises PageGone, BrowserGone."""
        found: list[str] = []

        async def look() -> None:
            requests.is_pressing = True
            await actor.visit_states()
            found.extend(await actor.find_links())

        try:
            if note := await self._act(look):
                actor.notes.append(note)
        except PageGone as error:  # the document was read before
            actor.notes.append(f"its steps were cut off: {error}")
        return tuple(dict.fromkeys([*found, *requests.led_to]))

    async def _navigate(self) -> None:
        """Starts the navigation. The answer comes once the document is there, and never if a script hangs first."""
        with suppress(CommandFailed, BrowserGone):
            said = await self.connection.call("Page.navigate", self.session, url=self.url)
            self.loader = said.get("loaderId", "")
            for loader, stage in self._stages:
                self._note_stage(loader, stage)
            self._stages.clear()

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

    async def _ask(self, expression: str) -> object:
        """Returns the value of an expression in the page. Raises _TimeUp, CommandFailed, PageGone, BrowserGone."""
        return await self._within_time(self._evaluate(expression))

    async def _within_time(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Returns the result of what waits for the page. Raises _TimeUp if its time is over, PageGone if it ended."""
        answered = asyncio.Event()
        asking = asyncio.ensure_future(work)
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
            raise PageCrashed("its process ended: it took more memory than render.tab_memory_bytes, or crashed")

    # -- events: nothing here waits ----------------------------------------------------------------------------------

    def _hear(self, event: str, said: dict[str, Any]) -> None:
        match event:
            case "Fetch.requestPaused" if self._requests:
                self._requests.take(said)
            case "Page.lifecycleEvent" if said.get("frameId") == self.frame:
                self._note_stage(said.get("loaderId", ""), said.get("name", ""))
            case "Page.javascriptDialogOpening":
                self._send("Page.handleJavaScriptDialog", accept=False)
            case "Inspector.targetCrashed" | "Inspector.detached":
                self.over.set()
                self._wake()

    def _note_stage(self, loader: str, stage: str) -> None:
        """Notes how far loading is. Events of other documents, such as the empty one before, do not count."""
        if not self.loader:
            self._stages.append((loader, stage))
        elif loader == self.loader and stage in ("load", "networkIdle"):
            self.loaded.set()
            if stage == "networkIdle":
                self.idle.set()

    def _wake(self) -> None:
        self.loaded.set()
        self.idle.set()

    def _send(self, method: str, **parameters: object) -> None:
        with suppress(BrowserGone):
            self.connection.send(method, self.session, **parameters)


def _complaint(details: dict[str, Any]) -> str:
    """Returns in one line why an expression failed."""
    thrown = details.get("exception", {}).get("description") or details.get("text", "no value")
    return str(thrown).splitlines()[0][:200]
