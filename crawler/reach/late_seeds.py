"""Seeds that come late: pages read before them, which link to where such a seed lets links lead, are read again."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Mapping, Sequence
from typing import Protocol

from .. import urls
from ..frontier import Root
from ..standing import Counts
from .roots import Roots

log = logging.getLogger(__name__)


NOTE = "late-seeds"
"""The note that says up to which row roots were looked for in all pages."""
AT_ONCE = 1000


class Linked(Protocol):
    """A frontier, as far as it is asked here."""

    key: bytes

    @property
    def notes(self) -> Mapping[str, object]: ...

    def counts(self) -> Counts: ...

    async def note(self, name: str, value: object) -> None: ...

    async def roots(self, after: int, limit: int) -> Sequence[Root]: ...

    async def reread_links_to(self, places: Sequence[int], after: int, done: set[int]) -> tuple[int, int]: ...


class LateSeeds:
    """Collects the places that seeds bring into reach, and has pages read again that link there.

    A page may be judged by the reach of a moment ago and be settled after its place was looked for. So what was settled
    since is looked through again, until nothing is found.
    """

    def __init__(self, frontier: Linked, roots: Roots) -> None:
        self._frontier = frontier
        self._places: array[int] = array("Q")
        self._looked_for = 0
        """Places that were looked for in all that was settled up to `upto`."""
        self._upto = 0
        self._done: set[int] = set()
        """Rows of pages that are read again with all places of now in reach."""
        self._roots = roots
        roots.late = self._note

    async def begin(self) -> None:
        """Remember the roots that a run which was killed had not looked for."""
        after = self._frontier.notes.get(NOTE, 0)
        assert isinstance(after, int)
        while self._frontier.counts().settled and (rows := await self._frontier.roots(after, AT_ONCE)):
            for after, root, _ in rows:  # noqa: B007 - the last one
                self._note(self._roots.place(root))

    async def keep(self) -> None:
        """Nothing is under way and nothing was found: all roots of now were looked for."""
        known = self._frontier.counts().known
        if self._frontier.notes.get(NOTE) != known:
            await self._frontier.note(NOTE, known)

    def _note(self, place: str) -> None:
        counts = self._frontier.counts()
        if place and (counts.leased or counts.settled):  # else no page was judged yet
            self._places.append(urls.fingerprint(place, self._frontier.key))
            self._done.clear()

    async def look(self) -> int:
        """Queue the pages that link to late places; how many."""
        found = 0
        new = self._places[self._looked_for :]
        if new and self._upto:
            number, _ = await self._frontier.reread_links_to(new, 0, self._done)
            found += number
        if self._places:
            count = len(self._places)
            number, self._upto = await self._frontier.reread_links_to(self._places, self._upto, self._done)
            found += number
            self._looked_for = count
        if found:
            log.info("%d pages are read again: they link to where a seed that came later lets them lead", found)
        return found
