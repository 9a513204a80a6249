"""Finds URLs in the store that turned out to be worth another visit, and queues them while the crawl goes on."""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..model import Outcome, Request
from ..standing import Pick, Rows, Waiting
from .extras import Extra, extra_of
from .ledger import Ledger
from .order import key, rank_of
from .site_table import SiteTable
from .store import Picked, Store

TAKEN_BACK_AT_ONCE = 256
Expect = Callable[[Future[list[Picked]], Callable[[list[Picked]], None], Callable[[], None]], None]
"""Waits for an answer of the store: then calls the second argument, or the third if no answer comes."""


def renew(
    picked: Sequence[Picked], given: Mapping[int, Request], in_depth_order: bool
) -> tuple[list[Picked], list[Extra]]:
    """Returns what is picked as it is fetched anew, whole, with the label and the data that were given now, if any."""
    anew, extras = [], []
    for one in picked:
        row, request = one.entry.row, given[one.entry.row]
        brings = bool(request.label or request.data is not None)
        if brings:
            extras.append(extra_of(request, row))
        bare = replace(one.entry.request, etag="", last_modified="", digest=b"")
        place = key(rank_of(bare, in_depth_order), row)  # not the place of its last revisit
        entry = one.entry._replace(key=place, request=bare, has_extra=one.entry.has_extra or brings)
        anew.append(one._replace(entry=entry))
    return anew, extras


class SecondLooks:
    """Looks into the store, one look at a time: the next sees what this one has queued, and queues nothing twice."""

    def __init__(self, store: Store, ledger: Ledger, bench: SiteTable, expect: Expect) -> None:
        self._store = store
        self._ledger = ledger
        self._bench = bench
        self._expect = expect
        self._repeats: list[int] = []
        """Rows to visit once more that are out: each comes with its outcome."""
        self._looks: deque[Pick] = deque()

    def __bool__(self) -> bool:
        """Returns whether a look is under way, so that its finds will be queued."""
        return bool(self._looks)

    def begin(self, outcomes: Sequence[Outcome]) -> None:
        """Queues again the URLs that these, just settled, showed to be in no trap, or to have brought no content."""
        names = [name for outcome in outcomes for name in outcome.unparks]
        for name in names + self._ledger.bars.take_recovered():
            self._look_for(Waiting((name,)))
        self._repeats += [row for outcome in outcomes for row in outcome.repeats]
        if self._repeats:
            rows = self._repeats
            self._repeats = [row for row in rows if self._bench.is_out(row)]
            if settled := tuple([row for row in rows if not self._bench.is_out(row)]):
                self._look_for(Rows(settled))
        if checks := tuple([row for outcome in outcomes for row in outcome.checks]):
            self._look_for(Rows(checks, is_reread=True))
        if refused := tuple(self._ledger.rereads.take_refused()):
            self._look_for(Rows(refused))

    def _look_for(self, pick: Pick) -> None:
        if isinstance(pick, Rows):
            sought = {row for one in self._looks if isinstance(one, Rows) for row in one.rows}
            pick = pick._replace(rows=tuple([row for row in dict.fromkeys(pick.rows) if row not in sought]))
        self._looks.append(pick)
        if len(self._looks) == 1:
            self._look()

    def _look(self, after: int = 0) -> None:
        self._expect(self._store.pick(self._looks[0], after, TAKEN_BACK_AT_ONCE), self._found, self._end)

    def _found(self, picked: Sequence[Picked]) -> None:
        if picked:
            self._store.write(self._ledger.take_back(picked))
        if picked and isinstance(self._looks[0], Waiting):
            self._look(max(one.entry.row for one in picked))
        else:
            self._end()

    def _end(self) -> None:
        """Ends a look, with or without finds, and begins the next one."""
        self._looks.popleft()
        if not self._store.is_usable:
            self._looks.clear()
        if self._looks:
            self._look()
