"""Opens tabs, and keeps them for further pages of their site: a new one takes 200 ms of CPU, and a process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from .cdp import BrowserGone, CommandFailed, Connection

MOST_PAGES = 50
"""Pages that are loaded in one tab, one after the other. What they leave in its process is bounded by that."""
CLEAN_EVERY = 4
"""Pages after which what they left in memory is collected; it takes 10 ms of CPU, and a page leaves 1.5 MB."""
EMPTY_S = 1.0
"""Time for a tab to leave its page. A page may run scripts then, even endless ones."""
CLOSE_S = 3.0
_FORGET = "try { sessionStorage.clear(); name = ''; } catch {}"
"""Drops what a page would hand to the next one of the same tab."""


@dataclass(slots=True, eq=False)
class Tab:
    """A tab of one site's context."""

    connection: Connection
    site: str
    target: str
    session: str
    pages: int = 0
    """Pages that were loaded in it."""

    @property
    def is_worn(self) -> bool:
        """Whether it takes no more pages."""
        return self.pages >= MOST_PAGES

    async def empty(self) -> bool:
        """Leaves the page; returns whether the tab may take another one. Raises nothing."""
        if self.is_worn:
            return False
        try:
            async with asyncio.timeout(EMPTY_S):
                self.connection.send("Runtime.evaluate", self.session, expression=_FORGET)
                said = await self.connection.call("Page.navigate", self.session, url="about:blank")
                if not self.pages % CLEAN_EVERY:
                    await self.connection.call("HeapProfiler.collectGarbage", self.session)
        except (TimeoutError, CommandFailed, BrowserGone):
            return False
        return not said.get("errorText")

    async def close(self) -> bool:
        """Closes it; returns whether it is gone. Raises nothing."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.connection.call("Target.closeTarget", targetId=self.target)
        except (BrowserGone, CommandFailed):
            return True
        except TimeoutError:
            return False
        return True


async def open_tab(connection: Connection, site: str, context: str) -> Tab:
    """Opens a tab whose requests are all paused. Raises CommandFailed, BrowserGone."""
    call = connection.call
    target = (await call("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
    session = (await call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
    await asyncio.gather(
        call("Page.enable", session),
        call("Inspector.enable", session),
        call("Page.setLifecycleEventsEnabled", session, enabled=True),
        call("Network.setBypassServiceWorker", session, bypass=True),
        call("Fetch.enable", session, patterns=[{"urlPattern": "*"}]),
    )
    return Tab(connection, site, target, session)
