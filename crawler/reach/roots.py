"""The roots of one crawl, its seeds and where they redirect to, and the places that these admit."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from ..errors import CrawlError
from ..model import Disposition, Lease, Outcome, Request, Url
from ..policy.admitted import Admitted
from ..policy.scope import Reach, is_moved, is_within, place, places

log = logging.getLogger(__name__)

AT_ONCE = 256
"""Roots that are admitted between two breaths of the loop: one to three milliseconds."""
READ_AT_ONCE = 16 * AT_ONCE
RECENT = 1 << 16
"""Redirects of roots that may be under way, not settled yet: many more than there are visits at a time."""
TRIED_AGAIN_S = 1.0
FINGERPRINT = 8
"""Bytes."""

Visit = Callable[[Lease], Awaitable[Outcome]]
Root = tuple[Url, Url | None]
"""A root, and the seed it descends from; None: it is one."""


class Stored(Protocol):
    """A frontier that can tell what roots it has."""

    async def roots(self, after: int, limit: int) -> Sequence[tuple[int, Url, Url | None]]:
        """Row, root and seed, in the order of rows, behind row `after`."""
        ...


Late = Callable[[str], None]


def _nobody(place: str) -> None:
    """Nobody wants to know."""


@dataclass(slots=True, eq=False)
class Ground:
    """All that links may lead to under one reach."""

    reach: Reach
    follows_moved: bool
    admitted: Admitted
    is_filled: bool = False
    """Whether all roots that the frontier knew when the crawl was opened are in."""
    filling: asyncio.Lock = field(default_factory=asyncio.Lock)

    def admit(self, root: Url, seed: Url | None, late: Late = _nobody) -> bool:
        """Take a root in; False: its seed has moved away, out of everyone's reach, and that is not followed.

        `late` is told what it brings into reach.
        """
        if seed is None or self.follows_moved or not is_moved(root, seed):
            if self.admitted.add(places(root, self.reach, seed)):
                late(place(root.text, self.reach))
            return True
        return self.reach == "page" or is_within(root, self.reach, self.admitted)


class Roots:
    """Fills the ground of one crawl and, while its settings change, the next one; both admit what comes meanwhile."""

    def __init__(self, stored: Stored | None, make: Callable[[], Admitted]) -> None:
        """`make`: an empty table, under the crawl's key. `stored`: where roots are found again; None: they are kept."""
        self._stored = stored
        self._make = make
        self._grounds: list[Ground] = []
        """That in force, and one that is to be."""
        self._retired: list[Ground] = []
        """Pages under way may be judged by them still."""
        self._recent: deque[str] = deque(maxlen=RECENT if stored else None)
        """As text, for the garbage collector looks through millions of objects time and again."""
        self._adding: list[list[Root]] = []
        """Seeds that are on their way to the frontier."""
        self.late: Late = _nobody
        """Told of each place that comes into reach while the crawl is open."""

    def ground(self, reach: Reach, follows_moved: bool) -> Ground:
        """What scope looks into under these settings; it is in force once it is chosen. Raises StorageFull."""
        for ground in self._grounds:
            if (ground.reach, ground.follows_moved) == (reach, follows_moved):
                return ground
        ground = Ground(reach, follows_moved, self._make(), is_filled=self._stored is None)
        self._keep([*self._grounds[:1], ground])
        for root, seed in chain(map(_root, self._recent), *self._adding):
            ground.admit(root, seed)
        return ground

    def place(self, root: Url) -> str:
        """What links to and around a root have in common, under the reach in force."""
        return place(root.text, self._grounds[0].reach)

    def choose(self, ground: Ground) -> None:
        self._keep([ground])

    def close(self) -> None:
        self._keep([])
        for ground in self._retired:
            ground.admitted.close()

    def admit(self, root: Url, seed: Url) -> bool:
        """Where a root redirected to: False if it moved away. Raises StorageFull."""
        self._recent.append(f"{root} {seed}")
        first, *following = self._grounds
        for ground in following:
            ground.admit(root, seed)
        return first.admit(root, seed, self.late)

    def reaches(self, outside: bytes) -> bool:
        """Whether a seed that came meanwhile may admit one of these places, given as `Page.outside` gives them."""
        table = self._grounds[0].admitted
        return any(
            table.knows(int.from_bytes(outside[i : i + FINGERPRINT], "little"))
            for i in range(0, len(outside), FINGERPRINT)
        )

    @contextmanager
    def adding(self, requests: Sequence[Request]) -> Iterator[None]:
        """Within the block they go to the frontier; their places are admitted before. Raises StorageFull."""
        roots: list[Root] = [(request.anchor, None) for request in requests]
        for ground in self._grounds:
            late = self.late if ground is self._grounds[0] else _nobody
            for root, _ in roots:
                ground.admit(root, None, late)
        if self._stored is None:
            self._recent.extend(root.text for root, _ in roots)
        self._adding.append(roots)
        try:
            yield
        finally:
            self._adding.remove(roots)

    async def fill(self, ground: Ground | None = None) -> None:
        """Read what roots there are, once. Raises FrontierError, StorageFull."""
        ground = ground or self._grounds[0]
        async with ground.filling:
            if not ground.is_filled:
                async for root, seed in self._all():
                    ground.admit(root, seed)
                ground.is_filled = True

    async def _all(self) -> AsyncIterator[Root]:
        after = 0
        while self._stored and (rows := await self._stored.roots(after, READ_AT_ONCE)):
            for i, (_, root, seed) in enumerate(rows):
                if i % AT_ONCE == 0:
                    await asyncio.sleep(0)
                yield root, seed
            after = rows[-1][0]

    def filled(self, ground: Ground, visit: Visit) -> Visit:
        """A visit that waits until its ground is whole; where that cannot be had, it is put off, and no attempt."""

        async def visit_when_filled(lease: Lease) -> Outcome:
            if not ground.is_filled:
                try:
                    await self.fill(ground)
                except CrawlError as error:
                    log.warning("the reach of the seeds is not known: %s", error)
                    return Outcome(lease, Disposition.DEFERRED, retry_in_s=TRIED_AGAIN_S)
            return await visit(lease)

        return visit_when_filled

    def _keep(self, grounds: list[Ground]) -> None:
        self._retired += [ground for ground in self._grounds if ground not in grounds]
        self._grounds = grounds


def _root(text: str) -> Root:
    root, _, seed = text.partition(" ")
    return Url(root), Url(seed) if seed else None
