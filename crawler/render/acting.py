"""Takes steps on a page that is loaded: refuses consent, scrolls to the end, asks for more, looks at other states."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

QUIET_S = 0.1
"""Time between two looks at a page that may still be changing."""
QUIET_LOOKS = 3
"""Looks in a row that show the same before a page counts as quiet. Scripts often wait for 200 ms before they act."""
MOST_QUIET_S = 5.0
"""Longest wait for a page to be quiet after one step."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps that are taken on each page."""

    reject_consent: bool = False
    load_more: str = ""
    """`auto`, or the selector of the button. Empty: none is pressed."""
    scroll: bool = False
    most: int = 50
    """Most rounds of scrolling and asking for more."""
    states: int = 0
    """Most links to other states that are pressed."""

    @property
    def are_none(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.reject_consent or self.load_more or self.scroll or self.states)


@dataclass(slots=True)
class Actor:
    """Takes the steps on one page."""

    steps: Steps
    ask: Callable[[str], Awaitable[object]]
    """Evaluates an expression in the page, in the world of `crawld`."""
    settle: Callable[[float], Awaitable[None]]
    """Waits until the requests of the page are answered, so many seconds at most."""
    notes: list[str] = field(default_factory=list)

    async def make(self) -> None:
        """Makes the document whole: refuses consent, scrolls, asks for more."""
        if self.steps.reject_consent and await self.ask("crawld.refuse()"):
            await self._rest()
        if not (self.steps.scroll or self.steps.load_more):
            return
        before = await self._rest()
        for _ in range(self.steps.most):
            if self.steps.scroll:
                await self.ask("crawld.scroll()")
            if self.steps.load_more:
                if self.steps.scroll:
                    await self._rest()
                selector = "" if self.steps.load_more == "auto" else self.steps.load_more
                await self.ask(f"crawld.more({json.dumps(selector)})")
            after = await self._rest()
            if after == before:
                return
            before = after
        self.notes.append(f"there was more after {self.steps.most} steps (render.most_steps)")

    async def visit_states(self) -> None:
        """Presses links to other states of the page; its links there are noted."""
        for _ in range(self.steps.states):
            if not await self.ask("crawld.press()"):
                return
            await self._rest()
            if await self.ask("crawld.back()"):
                await self._rest()

    async def find_links(self) -> tuple[str, ...]:
        """Returns links that the page had on the way and no longer has."""
        found = await self.ask("crawld.found()")
        return tuple(str(one) for one in found) if isinstance(found, list) else ()

    async def _rest(self) -> object:
        """Waits until the page is quiet; returns how it looks then."""
        looks: list[object] = []
        waited_s = 0.0
        while waited_s < MOST_QUIET_S:
            await self.settle(MOST_QUIET_S)
            looks.append(await self.ask("crawld.look()"))
            if len(looks) >= QUIET_LOOKS and len(set(map(str, looks[-QUIET_LOOKS:]))) == 1:
                break
            await asyncio.sleep(QUIET_S)
            waited_s += QUIET_S
        return looks[-1]
