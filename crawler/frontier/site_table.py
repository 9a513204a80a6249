"""Keeps the sites in memory and decides which is next: turns, slots, addresses and leases. Nothing here waits."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from ..frontier_protocols import PerSite
from ..model import Lease, Outcome
from ..policy.politeness import Wait
from ..standing import SiteView
from .addresses import Addresses
from .order import Entry, pack
from .shorter_ways import ShorterWays
from .site import Site
from .terms import Terms
from .turns import Rest, Turns

LEAST_ROOM = 2
"""Requests of one site that may always be in memory."""
MOST_ROOM = 4096
"""Most requests of one site in memory where the others are on disk: some seconds of a site crawled without delay."""
LOOKED_AT = 2000
"""Sites that `busiest` looks at beside those with leases out: it is called once a second."""


class SiteTable:
    """The sites in memory. Times are monotonic seconds. After each change `attend` puts the sites where they belong."""

    def __init__(
        self,
        terms: Terms,
        site_id: Callable[[str], int],
        *,
        sites: float,
        entries: float,
        addresses: Addresses | None = None,
    ) -> None:
        """`addresses` is shared by tables that stand in one line: the shards of one event loop."""
        self._terms = terms
        self._turns = terms.turns
        self._site_id = site_id
        self._most_sites = sites
        self._most_entries = entries
        self._sites: dict[str, Site] = {}
        self._out: dict[int, Site] = {}
        self._rests: dict[int, float] = {}
        """Sites that have nothing to do, but whose next turn must be kept."""
        self._line: list[tuple[float, int, Site]] = []
        self._addresses = addresses or Addresses()
        self._opened_at = -math.inf
        """When a stored frontier was opened: since then every site rests once, whatever the store says."""
        self.queued: int = 0
        """Requests of all sites, the shelf's too, without those out on lease."""
        self.is_shelf_open: bool = False
        """Whether sites with work are on disk only: new sites go there too, and others take turns with them."""
        self._hungry: list[Site] = []
        """Sites with more requests on disk that need some of these."""
        self._shelved: list[Site] = []
        """Sites that have left memory with work to do, to be noted on disk."""
        self._passed_over: dict[Site, None] = {}
        """Sites that needed requests and got none while others waited on the shelf."""
        self.shorter_ways: ShorterWays = ShorterWays()
        self.held: set[str] = set()
        """Sites that are not lent, on the owner's wish."""
        self.incomplete: list[int] = []
        """Rows of requests that were lent, and may have an extra in the store."""
        self._wake: Callable[[], None] = lambda: None

    def wake_by(self, wake: Callable[[], None]) -> None:
        """Calls `wake` whenever a site may be lent that other frontiers had before."""
        self._wake = wake

    def restore(self, queued: int, opened_at: float, *, is_shelf_open: bool) -> None:
        """Begins with this many requests, all of them on the shelf. Every site rests once from `opened_at` on."""
        self.queued, self._opened_at, self.is_shelf_open = queued, opened_at, is_shelf_open

    def opens_at(self, site: str) -> float:
        """Returns the time before which a site has no turn."""
        return max(0.0, self._opened_at + self._terms.rest_of(site))

    def open_shelf(self, *, is_open: bool) -> None:
        """Notes whether sites with work are on disk only."""
        self.is_shelf_open = is_open

    # -- lending -----------------------------------------------------------------------------------------------------

    def lend(self, limit: int, now: float) -> list[Lease]:
        """Lends up to `limit` requests due now, sites by their turns, one each before any gets a second."""
        leases, ways = list[Lease](), self.shorter_ways
        while len(leases) < limit and (site := self._next_site(now)):
            entry, row = site.take(now)
            if ways and row in ways:
                site.replace_lent(entry := ways.shorten(entry))
            if entry.has_extra:
                self.incomplete.append(row)
            self._out[row] = site
            self._addresses.arrive(site.ip, 1)
            self.queued -= 1
            at_once = self._terms.at_one_site(site.key)
            leases.append(Lease(entry.request, row, is_alone=at_once == 1 or site.asked_s > 0))
            self._line_up(site, now, at_once)
            if site.has_backlog and site.is_hungry(self.room):
                self._feed_or_leave(site, now)
        return leases

    def complete(self, lease: Lease) -> None:
        """Takes the request of a lease that is out, with its extra."""
        self._out[lease.token].complete(lease)

    def next_turn(self) -> float | None:
        """Returns when the next site may lend; None: not before something changes."""
        return place[0] if (place := self.next_place()) else None

    def take_incomplete(self) -> list[int]:
        """Returns the rows of leases that may have an extra, which the store has, and forgets them."""
        rows, self.incomplete = self.incomplete, []
        return rows

    def next_place(self) -> tuple[float, int] | None:
        """Returns when the next site may lend, and since when it stands in line."""
        line = self._line
        while line and line[0][2].place is not line[0]:
            heapq.heappop(line)
        return line[0][:2] if line else None

    def _next_site(self, now: float) -> Site | None:
        line = self._line
        while line and (line[0][0] <= now or line[0][2].place is not line[0]):
            place = heapq.heappop(line)
            if (site := place[2]).place is not place:  # it stands elsewhere now
                continue
            site.stand_at(None)
            if site.ip and self._addresses.free(site.ip, self._terms.at_one_ip) <= 0:
                site.park()
                self._addresses.park(self, site)
            elif self._turns is None or self._take_turn(self._turns, site, now):
                return site
        return None

    def _line_up(self, site: Site, now: float, at_once: int | None = None) -> None:
        """Puts a site behind those that wait already; it keeps its place unless its turn moved past it."""
        turn = site.turn(at_once or self._terms.at_one_site(site.key), self._terms.in_depth_order)
        if turn is None or turn == math.inf or site.is_parked or site.key in self.held:
            site.stand_at(None)
            return
        at = max(turn, now)
        if site.place is None or not turn <= site.place[0] <= at:
            site.stand_at(place := (at, self._addresses.next_step(), site))
            heapq.heappush(self._line, place)

    # -- what other frontiers have to do with it ---------------------------------------------------------------------

    def at_one_site(self, site: str) -> int:
        return self._terms.at_one_site(site)

    def rest_of(self, site: str) -> float:
        return self._terms.rest_of(site)

    @property
    def most_asked_s(self) -> float:
        return self._terms.most_asked_s

    @property
    def most_held_s(self) -> float:
        return self._terms.most_held_s

    def call(self, site: str, at: float) -> None:
        """Takes the turn of a site that was refused before."""
        if called := self._sites.get(site):
            called.promise(at)
            self._line_up(called, at)
            self._wake()

    def _take_turn(self, turns: Turns, site: Site, now: float) -> bool:
        site.promise(math.inf)
        return turns.take(site.key, self, now)

    # -- what its owner changes --------------------------------------------------------------------------------------

    def hold(self, site: str) -> None:
        """Lends nothing of a site until `let_go`; leases that are out stay out."""
        self.held.add(site)
        if held := self._sites.get(site):
            held.stand_at(None)

    def let_go(self, site: str, now: float) -> None:
        self.held.discard(site)
        if held := self._sites.get(site):
            self._line_up(held, now)

    def limit_lending(self, now: float, **limits: float | PerSite) -> None:
        """Lends by these terms, by name, from now on."""
        self._terms = replace(self._terms, **limits)  # type: ignore[arg-type]
        for ip in self._addresses.crowded:
            self._addresses.call(ip, self._terms.at_one_ip, now)
        for site in set(self._out.values()):
            self._line_up(site, now)

    def close(self, now: float) -> None:
        """Gives up its turns with frontiers that share its sites, and its places at addresses."""
        for site in self._sites.values():
            if site.is_parked:
                self._addresses.forget(self, site, site.ip)
        if self._turns is not None:
            self._turns.forget(self, self._sites, now)

    # -- what comes back ---------------------------------------------------------------------------------------------

    def is_out(self, token: int) -> bool:
        return token in self._out

    def entry(self, token: int) -> Entry:
        """Returns the request as it was lent."""
        return self._out[token].out[token]

    def end(self, outcome: Outcome, now: float) -> Site:
        """Ends a lease; returns its site, to be attended to."""
        site = self._out.pop(outcome.lease.token)
        site.end(outcome.lease.token, outcome, now)
        if self._turns is not None:
            self._turns.end(site.key, self, now, site.rest_of(outcome))
        self._leave_ip(site.ip, 1, now)
        if outcome.response and outcome.response.ip and outcome.response.ip != site.ip:
            self._move(site, outcome.response.ip, now)
        return site

    def release(self, token: int, now: float) -> Site:
        site = self._out.pop(token)
        self.put_back(site, site.give_back(token, now))
        if self._turns is not None:  # the visit may have made a request and not have ended
            self._turns.end(site.key, self, now, Rest(now, max(site.usual_s, self._terms.rest_of(site.key))))
        self._leave_ip(site.ip, 1, now)
        return site

    def put_back(self, site: Site, entry: Entry) -> None:
        """Puts a request to the head of its queue, in depth order to its old place."""
        site.put_back(pack(entry if self._terms.in_depth_order else entry.at_head()))
        self.queued += 1

    # -- what arrives ------------------------------------------------------------------------------------------------

    @property
    def room(self) -> float:
        """Requests of one site that may be in memory."""
        most = self._most_entries
        return most if math.isinf(most) else max(LEAST_ROOM, min(MOST_ROOM, most // (len(self._sites) + 1)))

    def expect(self, key: str, number: int, now: float) -> Site | None:
        """Counts in new requests of a site. Returns the site, new where it must be; None: it is, or goes, on the shelf.

        The caller lets the site admit them.
        """
        self.queued += number
        if site := self._sites.get(key):
            return site
        if self.is_shelf_open or len(self._sites) >= self._most_sites:
            self.is_shelf_open = True
            return None
        site_id = self._site_id(key)
        return self.set_up(Site(key, site_id, max(self.opens_at(key), self._rests.pop(site_id, 0.0))), now)

    def set_up(self, site: Site, now: float) -> Site:
        self._sites[site.key] = site
        if self._turns is not None and site.hold > now:
            self._turns.note_earlier_rest(site.key, self, site.hold, now)
        return site

    def keep_turn(self, site_id: int, until: float) -> None:
        """Keeps the turn of a site that is not in memory."""
        self._rests[site_id] = until

    def attend(self, sites: Iterable[Site], now: float) -> None:
        """Puts sites that changed where they belong: in line, out of memory, or on the shelf."""
        for site in sites:
            if not self.holds(site):
                continue
            if not site.queued and not site.out:
                self._forget(site, now)
                continue
            site.trim(self.room)
            self._line_up(site, now)
            if site.is_hungry(self.room) or self._had_its_share(site):
                self._feed_or_leave(site, now)

    def _feed_or_leave(self, site: Site, now: float) -> None:
        """Asks for more requests, or, while others wait on the shelf, puts a site without requests there too."""
        if not self.is_shelf_open or not site.lent:
            self._hungry.append(site)
        elif site.out or site.is_parked or site.is_loading or (site.heap and not self._had_its_share(site)):
            self._passed_over[site] = None
        else:
            self._leave(site, now)
            self._shelved.append(site)

    def next_hungry(self) -> Site | None:
        """Returns the next site that needs requests from the disk; each once until it needs some again."""
        while self._hungry:
            site = self._hungry.pop()
            if self.holds(site) and site.is_hungry(self.room):
                return site
        return None

    def take_shelved(self) -> list[Site]:
        """Returns the sites that left memory with work to do since the last call."""
        shelved, self._shelved = self._shelved, []
        return shelved

    def take_passed_over(self) -> list[Site]:
        """Returns the sites that got nothing while others waited on the shelf, where none waits any longer."""
        passed_over, self._passed_over = list(self._passed_over), {}
        return passed_over

    def _had_its_share(self, site: Site) -> bool:
        return self.is_shelf_open and site.lent >= self.room

    def _forget(self, site: Site, now: float) -> None:
        self._leave(site, now)
        if site.latest > now:
            self._rests[site.id] = site.latest
        if len(self._rests) > 2 * len(self._sites) + 1000:
            self._rests = {site_id: until for site_id, until in self._rests.items() if until > now}

    def _leave(self, site: Site, now: float) -> None:
        site.stand_at(None)
        self._passed_over.pop(site, None)
        if self._turns is not None:
            self._turns.leave(site.key, self, now)
        del self._sites[site.key]

    # -- addresses ---------------------------------------------------------------------------------------------------

    def _leave_ip(self, ip: str, leases: int, now: float) -> None:
        if not ip or not leases:
            return
        if self._addresses.leave(ip, leases):
            self._addresses.call(ip, self._terms.at_one_ip, now)

    def come_back(self, site: Site, now: float) -> bool:
        """Lines up a site that waited for its address; returns whether it may be lent at once."""
        site.unpark()
        self._line_up(site, now)
        return site.place is not None and site.place[0] <= now

    def _move(self, site: Site, ip: str, now: float) -> None:
        """Moves a site to an address that became known, or changed: its leases count there from now on."""
        old = site.ip
        site.move(ip)
        if site.is_parked:
            site.unpark()
            self._addresses.forget(self, site, old)
        self._addresses.arrive(ip, len(site.out))
        self._leave_ip(old, len(site.out), now)

    # -- what it looks like ------------------------------------------------------------------------------------------

    @property
    def leased(self) -> int:
        return len(self._out)

    def __len__(self) -> int:
        return len(self._sites)

    def __contains__(self, key: str) -> bool:
        return key in self._sites

    def holds(self, site: Site) -> bool:
        return self._sites.get(site.key) is site

    @property
    def vacancies(self) -> float:
        return max(0, self._most_sites - len(self._sites))

    def wait(self, now: float) -> Wait:
        """Returns why nothing may be lent now: by the site with the first turn, or by sites that have no turn yet."""
        if self.next_turn() is not None:
            return self._line[0][2].wait(now)
        if self._addresses.crowded:
            return Wait.ADDRESS
        if self.held and not self._out:
            return Wait.HELD
        visited = next(iter(self._out.values()), None)
        return Wait.ASKED if visited and visited.asked_s else Wait.BUSY

    def asking(self) -> Iterator[Site]:
        """Yields the sites that ask for a Crawl-delay."""
        return (site for site in self._sites.values() if site.asked_s)

    def busiest(self, limit: int, now: float) -> Sequence[SiteView]:
        """Returns the sites with the most queued and out, among those with leases out and some thousands of others."""
        candidates = set(self._out.values()).union(islice(self._sites.values(), LOOKED_AT))
        most = heapq.nlargest(limit, candidates, key=lambda site: (site.queued + len(site.out), site.key))
        order = self._terms.in_depth_order
        return [site.view(self._terms.at_one_site(site.key), order, now) for site in most]
