"""Keeps the browser that pages are rendered in: a context for each site, a new browser in time, one more try."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import anyio
from anyio.abc import TaskGroup, TaskStatus

from ..errors import ConfigError, unwrap_group
from ..metrics.rendering import RenderFigures
from ..runtime.clock import monotonic
from .browser import Browser, BrowserTerms, StartFailed, open_browser
from .cdp import BrowserGone, CommandFailed
from .clock import Clock
from .page import Loaded, PageCrashed, PageGone, PageTerms, Visit
from .supply import Answer, Owner, Supply
from .tabs import Tab, open_tab

log = logging.getLogger(__name__)

MOST_CONTEXTS = 32
"""Sites whose context is kept. The one that was used longest ago is closed first."""
OPEN_S = 20.0
"""Time for a browser to open a tab. It takes 0.2 s on an idle machine."""
RESTARTS = 3
"""How often in a row a new browser may fail to start before rendering is given up."""
RESTART_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class Recycling:
    """When a browser is replaced by a new one."""

    pages: int
    memory_bytes: int


class RenderJob(NamedTuple):
    """A page to render."""

    url: str
    site: str
    document: Answer
    """The document as its site sent it."""
    ended: float
    """When the exchange for it ended (monotonic)."""
    supply: Supply
    """Answers the requests of the page."""
    terms: PageTerms


@dataclass(slots=True, eq=False)
class _Running:
    """A browser with the pages in it."""

    browser: Browser
    contexts: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Site -> the context of its pages: they share nothing with those of other sites."""
    busy: dict[str, int] = field(default_factory=dict)
    idle: deque[Tab] = field(default_factory=deque)
    """Tabs that are empty, and wait for further pages of their sites; the one that was used longest ago comes first."""
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a context is opened: two pages of a site share one."""
    done: int = 0
    """Pages that were rendered in it."""
    open: int = 0
    """Pages that are rendered in it now."""
    is_tired: bool = False
    """Whether it takes no more pages."""
    is_stuck: bool = False
    """Whether one of its pages could not be closed."""
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is to end."""

    def tire(self) -> None:
        """Gives it no more pages, and ends it once those in it are done."""
        self.is_tired = True
        if not self.open:
            self.leave.set()


class Browsers:
    """Renders pages, some at a time. Use `open_browsers` to make one."""

    def __init__(self, terms: BrowserTerms, most_pages: int, recycling: Recycling, tasks: TaskGroup) -> None:
        self._terms = terms
        self._recycling = recycling
        self._tasks = tasks
        self._most = most_pages
        self._alive: list[Browser] = []
        self._seats = asyncio.Semaphore(most_pages)
        self._running: _Running | None = None
        self._suspects = asyncio.Lock()
        """Held while a page is rendered alone, so that there are two browsers at most."""
        self._starting = asyncio.Lock()
        """Held while a browser is started: pages that come meanwhile get the same one."""
        self.figures: RenderFigures = RenderFigures()
        """The figures of all browsers."""
        self.failure: str = ""
        """Why no browser can be started any more; empty: one can."""

    @property
    def product(self) -> str:
        """Name and version of the browser; empty: none runs."""
        return self._running.browser.product if self._running else ""

    @property
    def pid(self) -> int:
        """The process id of the browser's keeper; 0: none runs."""
        return self._running.browser.pid if self._running else 0

    async def render(self, job: RenderJob) -> Loaded:
        """Returns the document as its scripts make it. Raises PageGone. Waits for a free place."""
        async with self._seats:
            figures, begun = self.figures, monotonic()
            figures.open += 1
            try:
                loaded = await self._render(job)
            except PageGone:
                figures.failed += 1
                raise
            else:
                figures.rendered += 1
                return loaded
            finally:
                figures.open -= 1
                figures.seconds += monotonic() - begun

    async def _render(self, job: RenderJob) -> Loaded:
        running = await self._get()
        try:
            return await self._render_in(running, job)
        except BrowserGone:
            running.tire()
        async with self._suspects:
            return await self._render_alone(job)

    async def _render_alone(self, job: RenderJob) -> Loaded:
        """Renders a page in a browser of its own: maybe it brought the last one down. Raises PageGone."""
        running = await self._start()
        try:
            return await self._render_in(running, job)
        except BrowserGone as error:
            raise PageGone(f"it failed in two browsers: {error}") from error
        finally:
            running.tire()

    async def start(self) -> None:
        """Starts the first browser, held in as well as this system allows. Raises ConfigError if none starts."""
        try:
            self._running = await self._open()
        except StartFailed as error:
            if not self._terms.has_sandbox:
                raise self._refuse(error) from error
            self._terms = replace(self._terms, has_sandbox=False)
            try:
                self._running = await self._open()
            except StartFailed as second:
                raise self._refuse(second) from second
            log.warning(
                "the browser runs without its sandbox, which this system does not allow (%s): a page that breaks out "
                "of the browser can do all that this account can", error,
            )  # fmt: skip
        if not self._running.browser.has_namespace:
            log.warning(
                "this system allows no empty network for the browser (user namespaces): its own switches keep it off "
                "the network, but the kernel does not"
            )
        log.info("pages are rendered by %s", self._running.browser.product)

    def _refuse(self, error: StartFailed) -> ConfigError:
        what = f"render.browser: {self._terms.program} does not start: {error}"
        return ConfigError(
            f"{what}; try `{self._terms.program} --version`, or name another browser", ["render.browser"]
        )

    # -- one page ----------------------------------------------------------------------------------------------------

    async def _render_in(self, running: _Running, job: RenderJob) -> Loaded:
        """Renders a page in a browser: in a tab that its site has, or in a new one. Raises PageGone, BrowserGone."""
        running.open += 1
        running.busy[job.site] = running.busy.get(job.site, 0) + 1
        try:
            while True:
                tab = await self._take_tab(running, job)
                is_new, loaded = not tab.pages, await self._render_at(running, tab, job)
                if isinstance(loaded, Loaded):
                    return loaded
                if is_new or not isinstance(loaded, PageCrashed):
                    raise loaded
        finally:
            running.open -= 1
            running.done += 1
            running.busy[job.site] -= 1
            self._judge(running)

    async def _render_at(self, running: _Running, tab: Tab, job: RenderJob) -> Loaded | PageGone:
        """Renders a page in a tab, and keeps the tab if all went well. Raises BrowserGone."""
        owner, loaded = Owner(job.site, job.ended, Clock(job.terms.timeout_s)), None
        visit = Visit(tab.connection, job.supply, job.terms, job.url, job.document, owner, tab.session, tab.target)
        tab.pages += 1
        try:
            loaded = await visit.run()
        except PageGone as error:
            return error
        finally:
            with anyio.CancelScope(shield=True):
                if loaded is not None and not loaded.note and not running.is_tired and await tab.empty():
                    running.idle.append(tab)
                else:
                    await self._close(running, tab)
        return loaded

    async def _take_tab(self, running: _Running, job: RenderJob) -> Tab:
        """Returns a tab for a page of a site. Raises BrowserGone, also if the browser opens none."""
        if kept := next((tab for tab in reversed(running.idle) if tab.site == job.site), None):
            running.idle.remove(kept)
            return kept
        spare = running.idle.popleft() if running.idle and len(running.idle) + running.open > self._most else None
        try:
            async with asyncio.timeout(OPEN_S):
                if spare is not None:
                    await self._close(running, spare)
                return await open_tab(running.browser.connection, job.site, await self._context(running, job.site))
        except (CommandFailed, TimeoutError) as error:
            running.tire()
            raise BrowserGone(f"the browser opened no tab: {str(error) or 'it did not answer'}") from error

    async def _context(self, running: _Running, site: str) -> str:
        """Returns the id of the site's context. Contexts that no page uses are closed when there are too many."""
        call = running.browser.connection.call
        async with running.opening:
            if site not in running.contexts:
                said = await call("Target.createBrowserContext", disposeOnDetach=True)
                context = running.contexts[site] = said["browserContextId"]
                with suppress(CommandFailed):
                    await call("Browser.setDownloadBehavior", behavior="deny", browserContextId=context)
            running.contexts.move_to_end(site)
            kept = {tab.site for tab in running.idle}
            idle = [name for name in running.contexts if not running.busy.get(name) and name not in kept]
            for name in idle[: max(0, len(running.contexts) - MOST_CONTEXTS)]:
                running.busy.pop(name, None)
                running.browser.connection.send(
                    "Target.disposeBrowserContext", browserContextId=running.contexts.pop(name)
                )
            return running.contexts[site]

    async def _close(self, running: _Running, tab: Tab) -> None:
        """Closes a tab. A browser that does not get rid of it is not used again."""
        if not await tab.close():
            running.is_stuck = True

    def _judge(self, running: _Running) -> None:
        """Ends a browser that is old, large, stuck or gone, once its pages are done."""
        is_large = running.browser.memory_bytes > self._recycling.memory_bytes
        is_old = running.done >= self._recycling.pages
        if is_large or is_old or running.is_stuck or running.is_tired or not running.browser.connection.is_open:
            running.tire()

    # -- browsers ----------------------------------------------------------------------------------------------------

    async def _get(self) -> _Running:
        """Returns a browser that takes pages. Raises PageGone if none can be started."""
        async with self._starting:
            running = self._running
            if running and not running.is_tired and running.browser.connection.is_open:
                return running
            if running:
                running.tire()
            self._running = await self._start()
            return self._running

    async def _start(self) -> _Running:
        """Starts a browser, some times if need be. Raises PageGone if none can be started."""
        for times in range(RESTARTS):
            if self.failure:
                break
            try:
                return await self._open()
            except StartFailed as error:
                log.warning("the browser did not start: %s", error)
                if times == RESTARTS - 1:
                    self.failure = str(error)
                await asyncio.sleep(RESTART_AFTER_S * (times + 1))
        raise PageGone(f"no browser could be started: {self.failure}")

    async def _open(self) -> _Running:
        """Starts a browser. Raises StartFailed."""
        running: _Running = await self._tasks.start(self._keep)
        self.figures.started += 1
        return running

    def _note_memory(self) -> None:
        self.figures.memory_bytes = sum(browser.memory_bytes for browser in self._alive)

    async def _keep(self, *, task_status: TaskStatus[_Running]) -> None:
        """Holds a browser open until it is to leave or has gone."""
        async with open_browser(self._terms) as browser:
            browser.on_memory = self._note_memory
            running = _Running(browser)
            task_status.started(running)
            self._alive.append(browser)
            leave = asyncio.ensure_future(running.leave.wait())
            gone = asyncio.ensure_future(browser.gone.wait())
            try:
                await asyncio.wait([leave, gone], return_when=asyncio.FIRST_COMPLETED)
            finally:
                leave.cancel()
                gone.cancel()
                self._alive.remove(browser)
                self._note_memory()
            running.is_tired = True


@asynccontextmanager
async def open_browsers(terms: BrowserTerms, most_pages: int, recycling: Recycling) -> AsyncIterator[Browsers]:
    """Starts a browser for the pages of a crawl, and ends it with all its processes. Raises ConfigError."""
    with unwrap_group():
        async with anyio.create_task_group() as tasks:
            try:
                browsers = Browsers(terms, most_pages, recycling, tasks)
                await browsers.start()
                yield browsers
            finally:
                tasks.cancel_scope.cancel()
