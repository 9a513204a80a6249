"""Handles late seeds: pages that were read before them and link to places they admit are read again."""

from __future__ import annotations

import logging
from array import array

from .. import urls
from ..protocols import Frontier
from ..runtime.counting import many
from .roots import Roots

log = logging.getLogger(__name__)


NOTE = "late-seeds"
"""The note with the row up to which roots were looked for in all pages."""
AT_ONCE = 1000


class LateSeeds:
    """Collects the places that seeds bring into reach, and queues again the pages that link to them.

    A page may be judged by the earlier reach and be settled after its places were looked for. So pages that were
    settled since are looked through again, until none is found.
    """

    def __init__(self, frontier: Frontier, roots: Roots) -> None:
        self._frontier = frontier
        self._places: array[int] = array("Q")
        self._looked_for = 0
        """How many places were looked for in all pages settled up to row `_upto`."""
        self._upto = 0
        self._done: set[int] = set()
        """Rows of pages that are read again while all places so far are in reach."""
        self._roots = roots
        roots.late = self._note

    async def begin(self) -> None:
        """Collects the places of roots that an earlier, killed run had not looked for."""
        durable = self._frontier.durable
        if durable is None:  # there was no earlier run
            return
        after = (await self._frontier.notes()).get(NOTE, 0)
        assert isinstance(after, int)
        while self._frontier.counts().settled and (rows := await durable.roots(after, AT_ONCE)):
            for after, root, _ in rows:  # noqa: B007 - `after` ends as the last row
                self._note(self._roots.place(root))

    async def keep(self) -> None:
        """Notes that all roots known now were looked for. Called when nothing is under way and nothing was found."""
        known = self._frontier.counts().known
        if (await self._frontier.notes()).get(NOTE) != known:
            await self._frontier.note(NOTE, known)

    def _note(self, place: str) -> None:
        counts = self._frontier.counts()
        if place and (counts.leased or counts.settled):  # otherwise no page was judged yet
            self._places.append(urls.fingerprint(place, self._frontier.key))
            self._done.clear()

    async def look(self) -> int:
        """Queues again the pages that link to late places; returns how many."""
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
            pages = many(found, "page is", "pages are")
            log.info("%s read again: a seed that was added later admits links there", pages)
        return found
