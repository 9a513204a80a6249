"""Keeps the roots of one crawl (seeds and the targets of their redirects) and the places that they admit."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from itertools import chain
from typing import Protocol

from ..dataclass import dataclass
from ..errors import CrawlError
from ..model import Disposition, Lease, Outcome, Request, Url
from ..policy.admitted import Admitted
from ..policy.scope import Reach, is_moved, is_within, place, places

log = logging.getLogger(__name__)

AT_ONCE = 256
"""Roots that are admitted between two turns of the loop: one to three milliseconds."""
READ_AT_ONCE = 16 * AT_ONCE
RECENT = 1 << 16
"""Redirects of roots that may not be settled yet: many more than there are visits at a time."""
TRIED_AGAIN_S = 1.0
FINGERPRINT = 8
"""Length of a fingerprint in bytes."""

Visit = Callable[[Lease], Awaitable[Outcome]]
Root = tuple[Url, Url | None]
"""A root and the seed it descends from; None: it is a seed itself."""


class Stored(Protocol):
    """A frontier that can list its roots."""

    async def roots(self, after: int, limit: int) -> Sequence[tuple[int, Url, Url | None]]:
        """Returns up to `limit` tuples of row, root and seed behind row `after`, in order of rows."""
        ...


Late = Callable[[str], None]


def _nobody(place: str) -> None:
    """Ignores the place."""


@dataclass(slots=True, eq=False)
class AdmittedPlaces:
    """All places that links may lead to under one setting of `reach`."""

    reach: Reach
    follows_moved: bool
    admitted: Admitted
    is_filled: bool = False
    """Whether all roots that the frontier had when the crawl was opened are admitted."""
    filling: asyncio.Lock = field(default_factory=asyncio.Lock)

    def admit(self, root: Url, seed: Url | None, late: Late = _nobody) -> bool:
        """Admits a root. Returns False if its seed moved out of the reach of all seeds and such moves are not followed.

        `late` is called with the place that comes into reach.
        """
        if seed is None or self.follows_moved or not is_moved(root, seed):
            if self.admitted.add(places(root, self.reach, seed)):
                late(place(root.text, self.reach))
            return True
        return self.reach == "page" or is_within(root, self.reach, self.admitted)


class Roots:
    """Fills the ground of one crawl and, while settings change, the next one; both admit roots that come meanwhile."""

    def __init__(self, stored: Stored | None, make: Callable[[], Admitted]) -> None:
        """`make` makes an empty table under the crawl's key. `stored` lists the roots; None: they are kept here."""
        self._stored = stored
        self._make = make
        self._grounds: list[AdmittedPlaces] = []
        """The ground in force, and perhaps the next one."""
        self._retired: list[AdmittedPlaces] = []
        """Earlier grounds: pages under way may still be judged by them."""
        self._recent: deque[str] = deque(maxlen=RECENT if stored else None)
        """Texts, since the garbage collector would look through millions of objects again and again."""
        self._adding: list[list[Root]] = []
        """Seeds that are being added to the frontier."""
        self.late: Late = _nobody
        """Called with each place that comes into reach while the crawl is open."""

    def ground(self, reach: Reach, follows_moved: bool) -> AdmittedPlaces:
        """Returns the ground for these settings, which is in force once it is chosen. Raises StorageFull."""
        for ground in self._grounds:
            if (ground.reach, ground.follows_moved) == (reach, follows_moved):
                return ground
        ground = AdmittedPlaces(reach, follows_moved, self._make(), is_filled=self._stored is None)
        self._keep([*self._grounds[:1], ground])
        for root, seed in chain(map(_root, self._recent), *self._adding):
            ground.admit(root, seed)
        return ground

    def place(self, root: Url) -> str:
        """Returns the place of a root: the part that links to it and around it share, under the reach in force."""
        return place(root.text, self._grounds[0].reach)

    def choose(self, ground: AdmittedPlaces) -> None:
        self._keep([ground])

    def close(self) -> None:
        self._keep([])
        for ground in self._retired:
            ground.admitted.close()

    def admit(self, root: Url, seed: Url) -> bool:
        """Admits the target of a root's redirect. Returns False if the seed moved away. Raises StorageFull."""
        self._recent.append(f"{root} {seed}")
        first, *following = self._grounds
        for ground in following:
            ground.admit(root, seed)
        return first.admit(root, seed, self.late)

    def reaches(self, outside: bytes) -> bool:
        """Whether a seed added meanwhile may admit one of these places, given in the form of `Page.outside`."""
        table = self._grounds[0].admitted
        return any(
            table.knows(int.from_bytes(outside[i : i + FINGERPRINT], "little"))
            for i in range(0, len(outside), FINGERPRINT)
        )

    @contextmanager
    def admit_added(self, requests: Sequence[Request]) -> Iterator[None]:
        """Admits the places of seeds that are added to the frontier within the block. Raises StorageFull."""
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

    async def fill(self, ground: AdmittedPlaces | None = None) -> None:
        """Admits all roots of the frontier, once. Raises FrontierError, StorageFull."""
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

    def wait_for(self, ground: AdmittedPlaces, visit: Visit) -> Visit:
        """Returns a visit that waits until the ground is filled. If that fails it is deferred, without an attempt."""

        async def visit_when_filled(lease: Lease) -> Outcome:
            if not ground.is_filled:
                try:
                    await self.fill(ground)
                except CrawlError as error:
                    log.warning("visits wait, for the seeds of the crawl cannot be read from the frontier: %s", error)
                    return Outcome(lease, Disposition.DEFERRED, retry_in_s=TRIED_AGAIN_S)
            return await visit(lease)

        return visit_when_filled

    def _keep(self, grounds: list[AdmittedPlaces]) -> None:
        self._retired += [ground for ground in self._grounds if ground not in grounds]
        self._grounds = grounds


def _root(text: str) -> Root:
    root, _, seed = text.partition(" ")
    return Url(root), Url(seed) if seed else None
