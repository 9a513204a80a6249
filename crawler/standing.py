"""Counts and states of a crawl, its sites and its URLs, as frontiers keep them and as panels and APIs show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, NamedTuple

import orjson

from .dataclass import dataclass
from .model import Disposition, Reason, Request, Url


class RobotsState(NamedTuple):
    """The known state of a site's robots.txt. No request is made for it."""

    state: Literal["not-asked", "open", "rules", "unreachable", "ignored"] = "not-asked"
    """`open`: it forbids nothing; `rules`: it forbids something; `ignored`: our settings ignore it."""
    crawl_delay_s: float | None = None
    """The Crawl-delay as the file has it."""
    asked_in_s: float | None = None
    """Seconds until it may be fetched again. None: it was never asked for."""
    detail: str = ""
    """Why it is unreachable."""


class RobotsVerdict(NamedTuple):
    """Whether a robots.txt lets a URL be fetched, and which line decided."""

    allowed: bool
    line: int = 0
    """Line of robots.txt, counted from 1; 0 if no rule matched."""
    rule: str = ""
    """The line as we read it: `Disallow: /private/`."""


class SiteView(NamedTuple):
    """One site as the panel shows it."""

    site: str
    queued: int
    leased: int
    next_turn_in_s: float | None
    """None: not before a visit to the site has ended, by this crawl or another one."""
    backoff_s: float = 0.0
    """Seconds that the site is still left alone after a setback: it asked for that, or could not be reached."""
    setback: Reason | None = None
    """The reason of that setback. None: it is not left alone."""
    retrying: int = 0
    """URLs that wait for another attempt, not counted in `queued`. `Crawl.sites` fills this field and all below."""
    delay_s: float = 0.0
    """Seconds that it rests after each visit at least: our delay or its Crawl-delay."""
    robots: RobotsState = RobotsState()
    rest_s: float = 0.0
    """Seconds that it rests after each visit now: longer than `delay_s` while it is slow or in trouble."""
    slowed_by: str = ""
    """Why it rests longer than `delay_s`, in words: `answers take 2.1 s`. Empty: it does not."""
    per_site: int = 1
    """Visits at a time: ours, or one if it asks for a Crawl-delay."""
    rules: tuple[str, ...] = ()
    """The names of the tables of `sites` that it matches, the one that wins first."""
    proxy: str = ""
    """The proxy that it goes to now, without its password. Empty: it is reached directly."""
    visits: int = 0
    """Visits that ended since the site came into memory."""


class Trap(NamedTuple):
    """A pattern of URLs whose pages brought nothing new."""

    pattern: str
    """For example `https://example.org/calendar/#-#?view`. docs/traps.md says how to read it."""
    fetched: int
    """Pages of the pattern that were read."""
    news: int
    """Pages of these that were unlike all before."""
    parked: int = 0
    """URLs that wait until a person says that the pattern is not a trap."""
    examples: tuple[str, ...] = ()
    """Two of the parked URLs."""
    reason: Reason = Reason.TRAP
    """Why they wait: `trap`; `blocked`, the site keeps us out; `soft-outage`, it gives one answer to every request."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a frontier. `settled` has final dispositions only."""

    known: int = 0
    """All URLs ever found."""
    queued: int = 0
    """URLs to visit, retries included, without those on lease."""
    leased: int = 0
    """URLs that are being visited."""
    retrying: int = 0
    """URLs of `queued` that wait for another attempt."""
    sites: int = 0
    """Sites that have URLs queued or on lease."""
    settled: Mapping[Disposition, int] = field(default_factory=dict)
    """URLs that are done, by their outcome."""
    scheduled: int = 0
    """Settled pages that are scheduled for a revisit and not in `queued` yet."""
    due_in_s: float | None = None
    """Seconds until the first of those is due; negative: it is due already."""
    parked: int = 0
    """URLs that wait in `traps` until a person unparks them. Not counted in `queued`."""
    traps: Sequence[Trap] = ()
    """Patterns of URLs that are parked, or would be with `traps = "park"`. The costliest come first."""
    requisites: int = 0
    """URLs of `settled` that were fetched as requisites: what pages need to be shown, and no page themselves."""

    @property
    def pages(self) -> int:
        """Fetched pages, without requisites."""
        return self.settled.get(Disposition.FETCHED, 0) - self.requisites


class Progress(NamedTuple):
    """How far a crawl is, where that is known."""

    done: int
    total: int
    what: Literal["urls", "pages"]
    """`urls`: exactly so many there are, for no page can bring another one. `pages`: there may be fewer, since the
    total is the limit of pages."""


class WorkCost(NamedTuple):
    """Where one kind of CPU work is done with `offload.executor = "auto"`, and the figures that it was chosen by."""

    work: str
    """`parse`, `unpack and parse`, `parse with your function`, `robots.txt` or `other`."""
    below_bytes: int
    """Its bodies are smaller than this, and at least half as large. 0: they may have any size."""
    place: str
    """`inline` (on the event loop), `thread` or `process`."""
    why: str
    """Why it is done there, in words: `costs least`, `not inline: the loop has no room`."""
    calls: int
    """Calls since the process began."""
    p99_ms: float
    """CPU time that 99 of 100 calls stay below."""
    cpu_ms: Mapping[str, float]
    """Mean CPU time of a call by place, with the hand-over. Places that are not safe or not measured are absent."""


# -- URLs that a frontier knows ----------------------------------------------------------------------------------------


class Root(NamedTuple):
    """A URL that scope measures from."""

    row: int
    url: Url
    seed: Url | None
    """The seed it descends from; None: it is a seed."""


class Visited(NamedTuple):
    """A URL that was visited."""

    row: int
    site: str
    disposition: str
    reason: str | None


class Linking(NamedTuple):
    """A page that was read, and the rules that kept links of it out."""

    row: int
    request: Request
    left_out: int
    """Bits of `LeftOut`, and bits of the frontier's own."""
    visited_at: float
    """Unix seconds."""
    seed_row: int = 0
    """The row of its seed; 0: it is one."""
    root_row: int = 0
    """The row of its root; 0: it is one."""


@dataclass(frozen=True, slots=True)
class Known:
    """The history of one URL."""

    url: Url
    """Its canonical form."""
    row: int
    """Its row in the frontier."""
    standing: Literal["queued", "waiting", "parked", "leased", "done"]
    """`waiting`: for another attempt; `parked`: until a person wants it; `done`: visited, perhaps with a revisit to
    come."""
    depth: int
    """Hops from the seed."""
    attempts: int
    """Visits that came to an end."""
    disposition: Disposition | None = None
    """The outcome of the last visit. None: there was none."""
    reason: Reason | None = None
    """The reason of the last visit."""
    detail: str = ""
    """A few words about that outcome for a person."""
    status: int | None = None
    """The HTTP status of the last answer. None: there was none."""
    visited_at: float | None = None
    """Unix seconds; final visits only."""
    due: float | None = None
    """When it may be tried again, in Unix seconds."""
    duplicate_of: Url | None = None
    """The URL that brought the same content before."""
    visits: int = 0
    """Final visits, revisits included; the fields above are those of the last."""
    revisit_due: float | None = None
    """When it is visited again, in Unix seconds."""
    via: tuple[Url, ...] = ()
    """The pages that led here, the nearest first, the seed last; or a sitemap or robots.txt at the end."""
    seed: Url | None = None
    """The seed it descends from; None: it is one."""
    root: Url | None = None
    """The URL that scope measures from; None: this URL itself."""
    pattern: str = ""
    """The pattern that it is parked under."""
    parked_for: Reason | None = None
    """Why it is parked."""
    is_reread: bool = False
    """Whether it was visited and will be read once more, for links that were left out."""
    extra_hop: int = 0
    """Hops that it lies outside the reach. 0: no such hop led to it."""
    requisite: int = 0
    """Steps from the page that needs it to be shown. 0: it is no requisite, or a page in reach links to it as well."""
    method: str = "GET"
    """The method of the request that all this is about. Where there are several, a plain GET comes first."""
    label: str = ""
    """The `label` of its request. Empty: it has none."""
    others: Mapping[str, int] = field(default_factory=dict)
    """How many other requests to this URL there are, with another method, header fields or a body, by method."""


class QueuedSite(NamedTuple):
    """A site that has URLs queued."""

    site: str
    queued: int
    next_at: float
    """Unix seconds; 0: it was never visited."""


class SiteTurn(NamedTuple):
    """The queue and the turn of one site as they are stored."""

    queued: int
    next_at: float
    """Unix seconds; 0: it was never visited."""


# -- selections of URLs to queue again ---------------------------------------------------------------------------------


class Ended(NamedTuple):
    """Selects URLs that failed or were excluded, for these reasons."""

    reasons: tuple[str, ...]


class Left(NamedTuple):
    """Selects pages with links that these rules (bits of `LeftOut`) kept out of the crawl."""

    left_out: int


class Waiting(NamedTuple):
    """Selects URLs parked under the patterns; empty: under any."""

    patterns: tuple[str, ...] = ()


class Rows(NamedTuple):
    """Selects these rows."""

    rows: tuple[int, ...]
    is_reread: bool = False
    """Whether pages among them are to be read again for their links, rather than visited once more."""
    reasons: tuple[str, ...] | None = None
    """Of visited URLs, only those that failed or were excluded for these reasons. None: all."""


Pick = Ended | Left | Waiting | Rows
"""Selects known URLs that are not queued."""


class Instructions(NamedTuple):
    """All that the owner of a crawl on several machines asks of its nodes beside run, pause and stop.

    Each version replaces the one before it as a whole.
    """

    version: int = 0
    """Counts from 1; 0: nothing was asked yet."""
    settings: Mapping[str, object] = {}
    """Settings that were changed since the crawl began, by full name, as JSON has them."""
    held: tuple[str, ...] = ()
    """Sites that get no visits."""
    who: str = ""
    """The one who asked last."""

    def pack(self) -> str:
        """Returns it as text, without the version."""
        return orjson.dumps({"settings": self.settings, "held": self.held, "who": self.who}).decode()

    @classmethod
    def unpack(cls, version: int, text: str) -> Instructions:
        """Returns what `pack` made text of."""
        said = orjson.loads(text)
        return cls(version, said["settings"], tuple(said["held"]), said["who"])


class Paper(NamedTuple):
    """A text that an engine keeps for its control planes."""

    version: int
    """Counts its changes, from 1."""
    text: str


class CrawlStanding(NamedTuple):
    """Where one crawl of an engine stands."""

    name: str
    """The name of the crawl."""
    settings: Mapping[str, object]
    """The settings on which its nodes agreed, by full name, with those that were changed since."""
    control: str
    """The wish of its owner: run, pause or stop."""
    is_seeded: bool
    """Whether all seeds that somebody gave it are stored, so that a node without seeds knows its whole reach."""
    is_finished: bool
    """Whether nothing is queued, waits for another attempt, or is on its way between nodes."""
    queued: int
    """URLs that are queued, out, or wait for another attempt."""
    known: int
    """URLs that are known."""
    nodes: int
    """Nodes that live now."""
    settled: Mapping[str, int]
    """Final visits, by disposition."""
    made_at: float
    """Unix seconds."""
    held: tuple[str, ...] = ()
    """Sites that its owner holds."""
    version: int = 0
    """The version of its owner's instructions."""
