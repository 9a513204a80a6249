"""Holds one transaction for the store: everything that a call changed, in rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import NamedTuple

import numpy as np

from ..dataclass import dataclass
from ..model import Disposition, LeftOut, Links, Outcome, Position, Reason, Request
from ..policy.traps import StoredPattern
from .extras import Extra
from .order import ROW_BITS, WITH_EXTRA, Entry, Packed, key, text_of


@dataclass(slots=True)
class RequestGroup:
    """New requests with consecutive rows that share all but the URL: the links of one page to one site."""

    first: int
    """The row of the first request."""
    site: str
    rank: int
    like: Request
    """Any one of them: depth, priority, redirects, way, via, seed and root are the same for all."""
    via: int
    """A row, as all references: 0 is none, or the URL itself; below zero is a URL that was never queued."""
    seed: int
    root: int
    texts: list[str]
    pattern: str = ""
    """The pattern they are parked under; empty: they are queued."""
    have_extras: Sequence[bool] = ()
    """For each of them whether it has an extra; empty: none has."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def key(self) -> int:
        return key(self.rank, self.first)

    def packed(self, number: int) -> list[Packed]:
        """Returns the first `number` of them, packed."""
        like, above = self.like, self.rank << ROW_BITS
        via, seed, root = map(text_of, (like.via, like.seed, like.root))
        alike = like.depth, via, seed, root, 1, like.priority, like.redirects, self.seed, self.root, like.way
        if not self.have_extras:
            return [(above | row, text, *alike, None) for row, text in enumerate(self.texts[:number], self.first)]
        told = zip(self.texts[:number], self.have_extras, strict=False)
        return [
            (above | row, text, *alike, WITH_EXTRA if has else None) for row, (text, has) in enumerate(told, self.first)
        ]


QUEUED = ""
"""Stands for a disposition: the page will be visited once more."""


@dataclass(slots=True)
class Visit:
    """One final visit, as it is stored."""

    row: int
    disposition: str
    reason: str | None
    detail: str
    status: int | None
    attempt: int
    visited_at: float
    digest: bytes | None
    duplicate_of: str | None
    left_out: int | None
    """The rules that kept links out; None: as before."""

    @classmethod
    def of(cls, outcome: Outcome, entry: Entry, digest: bytes | None) -> Visit:
        return cls(
            entry.row,
            outcome.disposition,
            outcome.reason,
            outcome.detail,
            outcome.response.status if outcome.response else None,
            entry.request.attempt,
            outcome.visited_at,
            digest,
            text_of(outcome.duplicate_of),
            None if is_as_before(outcome) else left_out(outcome),
        )

    def leave_out(self, left_out: int) -> None:
        """Sets the rules that kept links out."""
        self.left_out = left_out

    def void(self) -> None:
        """Drops what came of the visit: it is made once more."""
        self.disposition, self.left_out, self.digest = QUEUED, 0, None


HAS_LINKS = 1 << 15
"""A bit beside those of `LeftOut`: the page leads somewhere, so that a shorter way to it matters."""
READ_AGAIN = 1 << 14
"""Another such bit: the page was read again since its record was written, so the record may not hold its present
links."""
_REFUSED = {
    Reason.OUT_OF_SCOPE: LeftOut.REACH | LeftOut.PATTERNS,
    Reason.DEPTH_LIMIT: LeftOut.DEPTH,
    Reason.TRAP: LeftOut.REPEATS,
}
"""The rules that may have kept the target of a redirect out, by reason."""


def left_out(outcome: Outcome) -> int:
    """Returns the rules that kept out links which a visit found, and whether its page leads anywhere."""
    page = outcome.page
    if page is not None:
        leads = page.n_links or page.news or page.n_requisites or page.left_out & LeftOut.REQUISITES
        return page.left_out | (HAS_LINKS if leads else 0)
    if is_as_before(outcome):
        return HAS_LINKS | LeftOut.DEPTH  # the page may lead anywhere
    if outcome.disposition is Disposition.REDIRECTED:
        refused = _REFUSED.get(outcome.reason, LeftOut(0)) if outcome.reason else 0
        return HAS_LINKS | refused | (LeftOut.BEYOND if _leaves_reach(outcome) else 0)
    return 0


def _leaves_reach(outcome: Outcome) -> bool:
    """Returns whether a redirect in reach led out of it, one extra hop."""
    return not outcome.request.way and any(found.extra_hop for found in outcome.found)


def is_as_before(outcome: Outcome) -> bool:
    """Returns whether the page was not sent again, so that nothing new is known of its links."""
    return outcome.disposition is Disposition.UNCHANGED and outcome.page is None


def has_failed_again(outcome: Outcome) -> bool:
    """Returns whether a reread failed: then the known facts about its links stay."""
    return outcome.request.is_reread and outcome.disposition in (Disposition.FAILED, Disposition.EXCLUDED)


class Name(NamedTuple):
    """A URL that others refer to but that was never queued."""

    row: int
    """Below zero."""
    text: str


class Hint(NamedTuple):
    """A date that a sitemap gives a page: if it was visited before that, it is due."""

    fingerprint: int
    modified: int
    """Unix seconds."""


class Claim(NamedTuple):
    """A content, and the page that had it first."""

    mark: int
    """The mark of its digest."""
    row: int


class Reread(NamedTuple):
    """A page that was read once more."""

    row: int
    left_out: int | None
    """None: as before, for the visit failed."""


class JudgedPage(NamedTuple):
    """A page whose links were judged once more without a visit. Void if a visit happened meanwhile, or is queued."""

    row: int
    before: int
    """The bits of `left_out` before."""
    left_out: int
    visited_at: float


def hints(news: Links) -> Iterable[Hint]:
    """Yields the hints of a sitemap for the pages that it lists with a date."""
    modified = np.frombuffer(news.modified, "<u4")
    dated = np.flatnonzero(modified)
    return map(Hint, np.frombuffer(news.fingerprints, "<u8")[dated].tolist(), modified[dated].tolist())


def pairs(places: bytes, row: int) -> bytes:
    """Returns each place, paired with the row of the page that links there."""
    if not places:
        return b""
    pairs = np.full((len(places) // 8, 2), row, "<u8")
    pairs[:, 0] = np.frombuffer(places, "<u8")
    return pairs.tobytes()


class ShorterWay(NamedTuple):
    """A shorter way to a URL that was known already."""

    row: int
    request: Request
    via: int
    """A row, as in a family."""
    seed: int
    root: int

    def shorten(self, entry: Entry) -> Entry:
        """Returns the entry of the URL as this way leads to it."""
        near = self.request
        request = replace(
            entry.request, depth=near.depth, via=near.via, seed=near.seed, root=near.root,
            extra_hop=near.extra_hop, requisite=near.requisite,
        )  # fmt: skip
        return entry._replace(request=request, seed=self.seed, root=self.root)


class Parked(NamedTuple):
    """A request that waits under a pattern until a person calls the pattern no trap."""

    row: int
    rank: int
    pattern: str


class Parking(NamedTuple):
    """A pattern under which requests wait."""

    pattern: str
    reason: str
    examples: Sequence[str]


@dataclass(slots=True)
class Setback:
    """A request that waits for another attempt."""

    entry: Entry
    due: float
    """Unix seconds."""
    reason: str | None


@dataclass(slots=True)
class Schedule:
    """A page that was settled and will be visited again."""

    entry: Entry
    """The request as it will be lent."""
    due: float | None
    """Unix seconds; None: the page is off the schedule."""
    fingerprint: int | None = 0
    """The fingerprint of its URL, by which hints find it. None: the page was visited for the last time. With a
    fingerprint and without `due` the page is queued."""

    def put_off(self, due: float) -> None:
        """Sets another time for the visit."""
        self.due = due

    def renew(self, entry: Entry) -> None:
        """Sets another request for the visit."""
        self.entry = entry


@dataclass(slots=True)
class SiteChange:
    """The changes of one site."""

    queued: int = 0
    """Number of requests by which its queue grew."""
    next_at: float = 0.0
    """When its last slot is free again, in Unix seconds; 0: no later than before."""
    is_shelved: bool | None = None
    """Whether it has work and none of it is in memory; None: as before."""

    def grow(self, number: int) -> None:
        self.queued += number

    def shelve(self, *, is_shelved: bool) -> None:
        self.is_shelved = is_shelved

    def rest(self, next_at: float) -> None:
        self.next_at = next_at


@dataclass(slots=True)
class Change:
    """The changes of one transaction. Empty fields change nothing."""

    families: list[RequestGroup] = field(default_factory=list)
    fingerprints: bytes = b""
    """Fingerprints of the families' URLs, in the order of their rows. The rows follow those stored before without a
    gap."""
    names: list[Name] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)
    requeued: list[Entry] = field(default_factory=list)
    """Requests queued again, such as setbacks whose wait is over and revisits that are due."""
    gone: list[Entry] = field(default_factory=list)
    """Requests that are no longer queued."""
    stays: list[Entry] = field(default_factory=list)
    """Requests whose visit is over and that are queued again at the same place: nothing to write for the queue."""
    setbacks: list[Setback] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    patterns: list[StoredPattern] = field(default_factory=list)
    """URL patterns about which pages brought news."""
    nearer: list[ShorterWay] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    """Requests parked; they are no longer queued. Parked families are among these."""
    parkings: list[Parking] = field(default_factory=list)
    """Patterns under which requests are parked, if the store does not know them, or not with these examples."""
    rereads: list[int] = field(default_factory=list)
    """Rows among `requeued` whose pages are read once more for their links."""
    reread: list[Reread] = field(default_factory=list)
    judged: list[JudgedPage] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    """Rows among `requeued` that are visited once more; their last outcome is void."""
    outside: bytes = b""
    """Pairs of eight-byte numbers: the fingerprint of a place out of reach, and the row of a page that links there."""
    notes: dict[str, object] = field(default_factory=dict)
    """Notes that the frontier's owner wants to read later."""
    sites: dict[str, SiteChange] = field(default_factory=dict)
    positions: Mapping[str, Position] | None = None
    """The positions of all sinks."""
    settled: Mapping[str, int] | None = None
    """All final visits by disposition."""

    def grow(self, site: str, number: int) -> None:
        """Notes by how many requests the queue of a site grew."""
        self._site(site).grow(number)

    def shelve(self, site: str, *, is_shelved: bool = True) -> None:
        """Notes whether a site has work and none of it is in memory."""
        self._site(site).shelve(is_shelved=is_shelved)

    def rest(self, site: str, next_at: float) -> None:
        """Notes when the last slot of a site is free again, in Unix seconds."""
        self._site(site).rest(next_at)

    def stay(self, first: int) -> None:
        """Leaves requests in the queue that are gone and queued again, from `requeued[first]` on, at the same place."""
        places = {(entry.row, entry.rank) for entry in self.gone}
        stays = {place for entry in self.requeued[first:] if (place := (entry.row, entry.rank)) in places}
        if stays:
            self.stays = [entry for entry in self.gone if (entry.row, entry.rank) in stays]
            self.gone = [entry for entry in self.gone if (entry.row, entry.rank) not in stays]
            kept = [entry for entry in self.requeued[first:] if (entry.row, entry.rank) not in stays]
            self.requeued = self.requeued[:first] + kept

    def _site(self, key: str) -> SiteChange:
        site = self.sites.get(key)
        if site is None:
            site = self.sites[key] = SiteChange()
        return site

    def __bool__(self) -> bool:
        rows = (self.families, self.names, self.requeued, self.gone, self.setbacks, self.visits, self.sites)
        return any(rows) or bool(self.nearer or self.reread or self.judged or self.notes) or self.positions is not None
