"""Any sequence of calls, held against a model that is simple enough to be believed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from crawler.frontier import open_memory
from crawler.frontier.depths import distance
from crawler.frontier.sqlite.store import MOST_ENTRIES, MOST_SITES
from crawler.model import Disposition, Lease, Outcome, Page, Reason, Request, Response, Url
from tests.defaults import make_terms, open_sqlite
from tests.frontier.conftest import Cut, HandClock, OnRedis, lend, links
from tests.frontier.plans import SITES, Plan, picks, plans, requests
from tests.redis_server import RedisServer, open_redis, why_not


@dataclass
class Known:
    request: Request
    number: int
    first: Request
    """As it was found first: a way to it that is found later changes nothing but its place."""
    state: str = "queued"
    due: float = 0.0
    is_returned: bool = False
    visit: int = 1
    again: float | None = None
    """When it is to be visited again."""
    interval_s: float = 0.0
    leads: bool = False
    """Whether its page led anywhere when it was read."""
    is_reread: bool = False
    """It is queued to be read once more, for a shorter way to it was found."""
    queued_as: Request | None = None
    """Its place in the queue, where a shorter way was found since."""

    is_anew: bool = False
    """It was added again, so it does not stand behind all others."""
    ended: Disposition | None = None

    @property
    def is_revisit(self) -> bool:
        return self.visit > 1 and not self.is_reread and not self.is_anew

    def note(self, given: Request) -> None:
        """Takes the label and the data that are given now, if there are any."""
        if given.label or given.data is not None:
            self.first = replace(self.first, label=given.label, data=given.data)

    @property
    def depth(self) -> int:
        """In depth order revisits are the deepest."""
        return (self.queued_as or self.request).depth if not self.is_revisit else 1000

    @property
    def rank(self) -> tuple[int, int, int]:
        place = self.queued_as or self.request
        return (place.priority, place.depth, self.number) if not self.is_revisit else (1000, 0, self.number)

    @property
    def distance(self) -> int:
        return distance(self.request.depth, self.request.via is None and self.request.seed is None)


@dataclass
class SiteModel:
    resting: list[float] = field(default_factory=list)
    hold: float = 0.0
    usual_s: float = 0.0
    forgotten_until: float = 0.0
    """When its last slot is free again, where it had nothing to do until another shard found something for it."""


class Story(RuleBasedStateMachine):
    """What is lent is queued, due and the first of its site; what is due is lent; nothing is lost or comes twice."""

    on_disk = is_cut = False
    most_sites, most_entries = MOST_SITES, MOST_ENTRIES

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = HandClock()
        self.stack = AsyncExitStack()
        self.folder = tempfile.TemporaryDirectory()
        self.known: dict[str, Known] = {}
        self.sites = {site: SiteModel() for site in SITES}
        self.out: dict[str, Lease] = {}
        self.claims: dict[bytes, tuple[str, bool]] = {}
        self.owned: dict[str, bytes] = {}
        self.settled: dict[Disposition, int] = {}
        self.written = 0
        self.cut: Cut | None = None

    @initialize(per_site=st.integers(1, 3), in_depth_order=st.booleans())
    def open(self, per_site: int, in_depth_order: bool) -> None:
        self.named = {
            "per_site": per_site, "per_ip": 1000, "in_depth_order": in_depth_order, "revisit_after_s": 1e6,
        }  # fmt: skip
        self.terms = make_terms(**self.named)
        self.frontier = self.run(self.stack.enter_async_context(self.opened()))

    def opened(self) -> Any:
        if self.is_cut:
            self.cut = self.cut or self.make_cut()
            return self.cut.open(self.most_entries, **{**self.named, "in_depth_order": self.terms.in_depth_order})
        if not self.on_disk:
            return open_memory(self.terms, clock=self.clock.both)
        return open_sqlite(
            self.path,
            self.terms,
            clock=self.clock.both,
            most_sites=self.most_sites,
            most_entries=self.most_entries,
        )

    def make_cut(self) -> Cut:
        return Cut(self.path if self.on_disk else None, self.clock.both, self.stack)

    @property
    def path(self) -> Path:
        return Path(self.folder.name) / "f.sqlite"

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    @property
    def has_shelf(self) -> bool:
        return self.most_sites < len(SITES)

    # -- rules -------------------------------------------------------------------------------------------------------

    @rule(seeds=st.lists(requests, max_size=30))
    def add(self, seeds: list[Request]) -> None:
        assert self.run(self.frontier.add(seeds)) == self.learn(seeds)

    @rule(given=st.lists(requests, max_size=8))
    def add_again(self, given: list[Request]) -> None:
        """Known seeds, and new ones: what was visited, and waits for nothing, is visited once more."""
        owners = {owner for owner, _ in self.claims.values()}
        seeds = [seed for seed in given if self.may_be_added_again(seed.identity, owners)]
        known = {seed.identity: self.known[seed.identity] for seed in seeds if seed.identity in self.known}
        idle = {identity: one for identity, one in known.items() if one.state == "done"}
        assert self.run(self.frontier.add_again(seeds)) == len(idle) + self.learn(
            seed for seed in seeds if seed.identity not in known
        )
        for identity, one in idle.items():
            noted = [seed for seed in seeds if seed.identity == identity]
            one.note(noted[-1])
            one.state, one.visit, one.again, one.is_anew = "queued", one.visit + 1, None, True
            one.request = replace(one.request, attempt=1)
            assert one.ended
            self.settled[one.ended] -= 1

    def may_be_added_again(self, identity: str, owners: set[str]) -> bool:
        known = self.known.get(identity)
        return known is None or (known.distance == 0 and known.request.depth == 0 and identity not in owners)

    @rule(limit=st.integers(0, 12))
    def lease(self, limit: int) -> None:
        self.wake()
        leases = self.run(lend(self.frontier, limit))
        assert len(leases) <= limit
        for lease in leases:
            self.check_lease(lease)
        if len(leases) < limit:
            self.check_nothing_else_is_due()

    @rule(plans=plans)
    def settle(self, plans: list[Plan]) -> None:
        outcomes = [self.outcome(plan, self.out.pop(self.pick(plan.pick))) for plan in plans if self.out]
        above = {outcome.request.identity: self.known[outcome.request.identity].request for outcome in outcomes}
        self.written += 1
        self.run(self.frontier.settle(outcomes, {"sink": {"pages": self.written}}))
        for outcome in outcomes:
            self.learn_outcome(outcome)
        if self.is_cut:
            for site in self.idle_sites():
                site.forgotten_until = max([site.hold, *site.resting])
        for outcome in outcomes:
            self.learn_links(outcome, above[outcome.request.identity])
        for outcome in outcomes:
            self.learn(outcome.found)
        self.forget_idle_sites()

    @rule(picks=picks)
    def release(self, picks: list[int]) -> None:
        chosen = dict.fromkeys(self.pick(pick) for pick in picks if self.out)  # no set: its order is another each time
        self.run(self.frontier.release([self.out.pop(text) for text in chosen]))
        for text in chosen:
            self.known[text].state = "queued"
            self.known[text].is_returned = not self.terms.in_depth_order
            self.give_up(text)

    def pick(self, number: int) -> str:
        return sorted(self.out)[number % len(self.out)]

    @rule(pick=st.integers(0, 99), content=st.sampled_from([bytes([i]) * 32 for i in range(8)]))
    def claim(self, pick: int, content: bytes) -> None:
        if not self.out:
            return
        text = self.pick(pick)
        first = self.run(self.frontier.claim(content, self.out[text])).text
        if content in self.claims:
            assert first == url_of(self.claims[content][0])
        else:
            assert first == url_of(text)
            self.give_up(text)
            self.claims[content] = (text, False)
            self.owned[text] = content

    @rule()
    def revisit(self) -> None:
        due = [
            known
            for known in self.known.values()
            if known.again is not None and known.again <= self.clock.now and not known.is_reread
        ]
        queued = 0
        while more := self.run(self.frontier.revisit(self.clock.both.wall())):
            queued += more
        assert queued == len(due)
        for known in due:
            known.state, known.again, known.visit = "queued", None, known.visit + 1
            known.request = replace(known.request, attempt=1)

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 10.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.move(seconds)

    @rule(moved=st.sampled_from([0.0, 3.0]), swap=st.booleans())
    def reopen(self, moved: float, swap: bool) -> None:
        if not self.on_disk:
            return
        self.run(self.stack.aclose())
        self.clock.move(moved)
        self.terms = replace(self.terms, in_depth_order=self.terms.in_depth_order ^ swap)
        self.frontier = self.run(self.stack.enter_async_context(self.opened()))
        for text in self.out:
            self.known[text].state = "queued"
            self.give_up(text)
        self.out.clear()
        for known in self.known.values():
            known.is_returned = False
        for site in self.sites.values():
            latest = max([site.hold, *site.resting])
            self.sites_after_restart(site, latest)
        assert self.run(self.frontier.positions()) == ({"sink": {"pages": self.written}} if self.written else {})

    def sites_after_restart(self, site: SiteModel, latest: float) -> None:
        site.resting, site.hold, site.usual_s = [], latest, 0.0

    def forget_idle_sites(self) -> None:
        """A site without anything to do keeps one thing: when its last slot is free again."""
        for site in self.idle_sites():
            self.sites_after_restart(site, max([site.hold, *site.resting]))

    def idle_sites(self) -> list[SiteModel]:
        return [site for key, site in self.sites.items() if not self.queued(key) and not self.out_at(key)]

    def teardown(self) -> None:
        try:
            if hasattr(self, "frontier") and not isinstance(sys.exc_info()[1], AssertionError):  # it would be hidden
                self.check_counts()
                self.drain()
        finally:
            self.run(self.stack.aclose())
            self.folder.cleanup()
            self.loop.close()

    def drain(self) -> None:
        """All that was ever queued is lent in the end, once."""
        self.run(self.frontier.release(list(self.out.values())))
        for text in self.out:
            self.known[text].state = "queued"
        left = {text for text, known in self.known.items() if known.state != "done"}
        for _ in range(10 * len(left) + 10):
            for lease in self.run(lend(self.frontier, 1000)):
                left.remove(lease.request.identity)
                self.run(self.frontier.settle([Outcome(lease, Disposition.FETCHED)], {}))
            self.clock.move(100)
        assert not left
        assert not self.run(self.frontier.wait())
        assert self.frontier.counts().sites == 0

    # -- what must hold ----------------------------------------------------------------------------------------------

    def check_lease(self, lease: Lease) -> None:
        text = lease.request.identity
        known, site = self.known[text], self.sites[lease.request.url.site]
        assert own(lease.request) == own(known.first)
        assert (lease.request_id == "") is lease.request.is_plain
        assert known.state == "queued"
        assert (lease.request.depth, lease.request.attempt) == (known.request.depth, known.request.attempt)
        assert lease.request.is_reread == known.is_reread
        if not known.is_reread:
            assert (lease.request.visit, lease.request.interval_s) == (known.visit, known.interval_s)
        assert lease.request.origin == known.request.origin
        assert lease.request.anchor == known.request.anchor
        assert lease.request.via == known.request.via
        assert self.free_slots(lease.request.url.site) > 0
        assert site.hold <= self.clock.now
        self.check_order(known)
        known.state, known.is_returned = "out", False
        self.out[text] = lease

    def check_order(self, lent: Known) -> None:
        rivals = [k for k in self.queued(lent.request.url.site) if k is not lent]
        if self.terms.in_depth_order:
            assert all(lent.depth <= k.depth for k in rivals)
            if not lent.is_revisit and lent.queued_as is None:
                out = [self.known[lease.request.identity] for lease in self.out_at(lent.request.url.site)]
                assert all(lent.request.depth <= k.depth for k in out)
            assert all(self.goes_before(lent, k) for k in rivals if k.depth == lent.depth)
        elif not lent.is_returned:
            assert not any(k.is_returned for k in rivals) or self.has_shelf
            assert all(self.goes_before(lent, k) for k in rivals if not k.is_returned)

    def goes_before(self, one: Known, other: Known) -> bool:
        """Shards settle what they found before what others found for them: the last part of a rank may differ."""
        return one.rank[:-1] <= other.rank[:-1] if self.is_cut else one.rank < other.rank

    def check_nothing_else_is_due(self) -> None:
        if self.has_shelf:
            return  # others may stand on the shelf until those in memory have had their share
        for key, site in self.sites.items():
            queued = self.queued(key)
            if not queued or max(site.hold, site.forgotten_until) > self.clock.now or self.free_slots(key) <= 0:
                continue
            assert self.terms.in_depth_order
            first = min(queued, key=lambda known: (known.depth, known.rank))
            depth = (first.queued_as or first.request).depth
            assert any(lease.request.depth < depth for lease in self.out_at(key))

    @rule()
    def check_counts(self) -> None:
        self.wake()
        self.run(self.frontier.lease(0))
        counts = self.frontier.counts()
        states = [known.state for known in self.known.values()]
        assert counts.known == len(states)
        assert counts.queued == states.count("queued") + states.count("waiting")
        assert counts.leased == states.count("out")
        assert counts.retrying == states.count("waiting")
        assert counts.settled == self.settled
        times = [known.again for known in self.known.values() if known.again is not None]
        assert counts.scheduled == len(times)
        if counts.due_in_s is None or not times:
            assert counts.due_in_s is None
            assert not times
        else:
            assert abs(counts.due_in_s - min(times) + self.clock.now) < 0.001
        if not self.on_disk:  # sites on the shelf are counted when it is looked at
            assert counts.sites == len({k.request.url.site for k in self.known.values() if k.state != "done"})

    # -- the model ---------------------------------------------------------------------------------------------------

    def learn(self, found: Any) -> int:
        before = len(self.known)
        for request in found:
            known = self.known.setdefault(request.identity, Known(request, len(self.known), first=request))
            if self.terms.in_depth_order:
                self.approach(known, request)
        return len(self.known) - before

    def approach(self, known: Known, request: Request) -> None:
        """A way to a known URL: taken where it is shorter."""
        if distance(request.depth, request.via is None and request.seed is None) >= known.distance:
            return
        if known.state == "done" and known.leads:
            if not request.is_safe:
                known.request = as_found(known.request, request)
                return
            known.state, known.is_reread, known.request, known.queued_as = "queued", True, request, None
            return
        if known.state in ("queued", "waiting", "out") and known.queued_as is None:
            known.queued_as = known.request
        known.request = as_found(known.request, request)

    def outcome(self, plan: Plan, lease: Lease) -> Outcome:
        request = lease.request
        response = Response(request.url, 200, (), ip=plan.ip)
        over = Outcome(
            lease, Disposition.FAILED, Reason.DNS, rest_s=plan.rest_s, ended=self.clock.now - plan.since_s,
            revisit_in_s=plan.again_s,
        )  # fmt: skip
        if plan.kind == "robots":
            return replace(over, disposition=Disposition.DEFERRED, reason=None, retry_in_s=0.0)
        if plan.kind == "deferred":
            return replace(over, disposition=Disposition.DEFERRED, retry_in_s=plan.wait_s)
        if plan.kind == "failed":
            return over
        if plan.kind == "redirected":
            target = Request(
                Url(plan.found[0]), request.depth, via=request.url, seed=request.origin, redirects=1,
                root=None if request.url == request.anchor else request.anchor,
            )  # fmt: skip
            return replace(over, disposition=Disposition.REDIRECTED, reason=None, response=response, found=(target,))
        digest = self.owned.get(request.identity, b"")
        page = Page(digest, kind=plan.page, news=links(self.frontier.key, *plan.found))
        return replace(over, disposition=Disposition.FETCHED, reason=None, response=response, page=page)

    def learn_outcome(self, outcome: Outcome) -> None:
        text = outcome.request.identity
        known, site = self.known[text], self.sites[outcome.url.site]
        free = outcome.ended + outcome.rest_s
        if free > self.clock.now:
            site.resting.append(free)
        if outcome.disposition in (Disposition.FAILED, Disposition.DEFERRED):
            if outcome.rest_s > site.usual_s:
                site.hold = max(site.hold, free)
        elif outcome.response:
            site.usual_s = outcome.rest_s
        if outcome.disposition is Disposition.FETCHED and text in self.owned and not known.is_reread:
            self.claims[self.owned.pop(text)] = (text, True)
        self.give_up(text)
        if outcome.is_final:
            self.learn_ending(known, outcome)
        elif outcome.reason is None:
            known.state, known.is_returned = "queued", not self.terms.in_depth_order
        else:
            known.state, known.due = "waiting", self.clock.now + (outcome.retry_in_s or 0.0)
            known.request = replace(known.request, attempt=known.request.attempt + 1)

    def learn_ending(self, known: Known, outcome: Outcome) -> None:
        leads = outcome.page is not None or outcome.disposition is Disposition.REDIRECTED
        known.state, known.queued_as = "done", None
        if not known.is_reread:
            known.is_anew, known.ended = False, outcome.disposition
        if known.is_reread:
            known.is_reread = False
            known.leads = known.leads if outcome.disposition is Disposition.FAILED else leads
            return
        known.leads = leads
        wait_s = outcome.revisit_in_s
        if wait_s is None and known.visit > 1:
            wait_s = known.interval_s
        if not known.request.is_safe:
            wait_s = None
        if wait_s is not None:
            known.again, known.interval_s = self.clock.now + wait_s, wait_s
        self.settled[outcome.disposition] = self.settled.get(outcome.disposition, 0) + 1

    def learn_links(self, outcome: Outcome, above: Request) -> None:
        if outcome.page is None:
            return
        depth = above.depth + (outcome.page.kind != "sitemap")
        by_site: dict[str, list[Request]] = {}
        for text in outcome.page.news.split():
            url = Url(text)
            by_site.setdefault(url.site, []).append(
                Request(url, depth, via=above.url, seed=above.origin, root=above.anchor)
            )
        for group in by_site.values():
            self.learn(group)

    def wake(self) -> None:
        for known in self.known.values():
            if known.state == "waiting" and known.due <= self.clock.now:
                known.state = "queued"

    def give_up(self, text: str) -> None:
        if content := self.owned.pop(text, None):
            del self.claims[content]

    def queued(self, site: str) -> list[Known]:
        return [k for k in self.known.values() if k.state == "queued" and k.request.url.site == site]

    def out_at(self, site: str) -> list[Lease]:
        return [lease for lease in self.out.values() if lease.request.url.site == site]

    def free_slots(self, key: str) -> int:
        site = self.sites[key]
        site.resting = [free for free in site.resting if free > self.clock.now]
        return self.terms.per_site - len(self.out_at(key)) - len(site.resting)


def own(request: Request) -> tuple[object, ...]:
    return request.method, request.headers, request.body, request.label, request.data


def as_found(request: Request, way: Request) -> Request:
    return replace(request, depth=way.depth, via=way.via, seed=way.seed, root=way.root)


def url_of(identity: str) -> str:
    return identity.partition("\n")[0]


class DiskStory(Story):
    on_disk = True


class SmallStory(Story):
    """Next to nothing stands in memory: queues go on on disk."""

    on_disk = True
    most_entries = 4


class ShelfStory(Story):
    """Fewer sites stand in memory than there are."""

    on_disk = True
    most_sites, most_entries = 2, 6


class ShardedStory(Story):
    """One node holds all shards, in memory."""

    is_cut = True


class ShardedDiskStory(ShardedStory):
    """One node holds all shards of a file."""

    on_disk = True


class ShardedRedisStory(ShardedStory):
    """One node holds all shards of a crawl in Redis, and joins it again and again."""

    on_disk = True
    server: RedisServer

    def make_cut(self) -> Cut:
        return OnRedis(self.server, self.folder.name, self.clock.both, self.stack)


EXAMPLES = int(os.environ.get("FRONTIER_EXAMPLES", "15"))
"""Each opens files and threads: few by default, thousands for a soak."""
for story in (Story, DiskStory, SmallStory, ShelfStory, ShardedStory, ShardedDiskStory, ShardedRedisStory):
    # Not shrunk: a story takes seconds to tell again, and its order may hang on a thread.
    story.TestCase.settings = settings(
        max_examples=EXAMPLES, stateful_step_count=40, deadline=None, phases=[Phase.generate]
    )

TestInMemory = Story.TestCase
TestOnDisk = DiskStory.TestCase
TestMostlyOnDisk = SmallStory.TestCase
TestWithAShelf = ShelfStory.TestCase
TestShardedInMemory = ShardedStory.TestCase
TestShardedOnDisk = ShardedDiskStory.TestCase


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")
class TestShardedOnRedis(ShardedRedisStory.TestCase):  # type: ignore[misc, valid-type]
    stack = ExitStack()

    @classmethod
    def setUpClass(cls) -> None:
        ShardedRedisStory.server = cls.stack.enter_context(open_redis())

    @classmethod
    def tearDownClass(cls) -> None:
        cls.stack.close()
