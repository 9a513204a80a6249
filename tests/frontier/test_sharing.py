"""Frontiers that want the same sites lend them in turn, whatever they keep in memory and whatever becomes of one."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from crawler.frontier import open_memory
from crawler.frontier import turns as room
from crawler.frontier.turns import Turns
from crawler.model import Disposition, Lease, Outcome, Reason, Response
from crawler.protocols import Frontier
from tests.defaults import make_terms, open_sqlite

from .conftest import pages

SITES = [f"s{n}.test" for n in range(12)]


class Story:
    """Crawls at work on the same sites, and who was there when."""

    def __init__(self, seed: int, rest_s: float) -> None:
        self.chance = random.Random(seed)
        self.rest_s = rest_s
        self.there: Counter[str] = Counter()
        self.left: dict[str, float] = {}
        self.visits: Counter[str] = Counter()

    async def work(self, frontier: Frontier) -> None:
        """Until nothing is left; now and then it is busy with itself, or gives back what it lent."""
        while await frontier.wait():
            leases = await frontier.lease(self.chance.randint(1, 4))
            for lease in leases:
                self.enter(lease)
            await asyncio.sleep(self.chance.choice([0.0, 0.0, 0.001]))
            given_back = [lease for lease in leases if self.chance.random() < 0.1]
            for lease in leases:
                self.leave(lease)
            await frontier.release(given_back)
            visited = [lease for lease in leases if lease not in given_back]
            await frontier.settle([self.outcome(lease) for lease in visited], {})

    def enter(self, lease: Lease) -> None:
        site = lease.request.url.site
        assert not self.there[site], "two are there at once"
        assert time.monotonic() >= self.left.get(site, 0.0) + self.rest_s
        self.there[site] += 1

    def leave(self, lease: Lease) -> None:
        site = lease.request.url.site
        self.there[site] -= 1
        self.left[site] = time.monotonic()

    def outcome(self, lease: Lease) -> Outcome:
        url, ended = lease.request.url, time.monotonic()
        if self.chance.random() < 0.1:
            return Outcome(lease, Disposition.DEFERRED, Reason.TIMEOUT, retry_in_s=0.002, rest_s=0.005, ended=ended)
        self.visits[url.text] += 1
        response = Response(url, 200, (), ip="192.0.2.1")
        return Outcome(lease, Disposition.FETCHED, response=response, rest_s=self.rest_s, ended=ended)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_all_is_visited_by_each_and_no_site_twice_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(room, "PATIENCE_S", 0.02)
    story, turns = Story(seed, rest_s=0.002), Turns()
    terms = make_terms(per_ip=1000, rest_s=story.rest_s, turns=turns)
    async with (
        asyncio.timeout(60),
        open_memory(terms) as one,
        open_sqlite(tmp_path / "two.sqlite", terms) as two,
        open_sqlite(tmp_path / "three.sqlite", terms, most_sites=3, most_entries=12) as three,
    ):
        frontiers = [one, two, three]
        for frontier in frontiers:
            await frontier.add([request for site in SITES for request in pages(site, *range(5))])
        async with asyncio.TaskGroup() as tasks:
            for frontier in frontiers:
                tasks.create_task(story.work(frontier))
    assert set(story.visits.values()) == {3}
    assert len(story.visits) == 60
    assert not [line for line in turns._sites.values() if line.out or line.waiting or line.called]


async def test_a_frontier_that_is_closed_amid_its_leases_leaves_its_sites_to_the_others() -> None:
    terms = make_terms(turns=Turns())
    async with asyncio.timeout(60), open_memory(terms) as other:
        async with open_memory(terms) as closed:
            for frontier in (closed, other):
                await frontier.add(pages("alpha.test", 1, 2))
            assert len(await closed.lease(5)) == 1
            assert not await other.lease(5)
        assert await other.wait()
        assert [lease.request.url.text for lease in await other.lease(5)] == ["http://alpha.test/1"]
