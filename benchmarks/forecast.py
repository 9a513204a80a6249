"""Whether the intervals of forecasts hold, on generated webs of known size: `forecast`.

Crawls that run: the real frontier visits the webs in virtual time. At one moment of each, chosen by chance, it is asked
when the crawl ends. Sites before a crawl: the first pages of each are looked at, and the number of its pages is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import virtual_time
from benchmarks.generated_webs import MOST, Site, make_site, make_webs
from crawler import Config, urls
from crawler.assembly import parts
from crawler.forecast import (
    Eta,
    Limits,
    PageSeen,
    Sample,
    SiteNow,
    Watch,
    foresee_end,
    foresee_size,
    interval_of,
)
from crawler.frontier import Clock, open_memory
from crawler.model import Disposition, Lease, Links, Outcome, Page, Request, Response, Url
from crawler.protocols import Frontier
from crawler.standing import SiteView

WEBS, SEED, SAMPLE = 200, 7, 40
GOAL = 0.7
LOOK_S, DELAY_S = 1.0, 1.0
EARLIEST, LATEST = 0.1, 0.95


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one crawl or site, and what came true."""

    kinds: tuple[str, ...]
    share: float
    """How much of it was over, or looked at, when it was asked for."""
    low: float
    high: float | None
    truth: float

    @property
    def is_closed(self) -> bool:
        """Whether an interval was told, rather than only how much it is at least."""
        return self.high is not None

    @property
    def holds(self) -> bool:
        return self.low <= self.truth <= (math.inf if self.high is None else self.high)


class RunningCrawl:
    """Visits one web in virtual time: feeder, visitors and recorder in one, as small as they can be."""

    def __init__(self, web: Sequence[Site], frontier: Frontier, dice: random.Random) -> None:
        self.watch = Watch()
        self._web = web
        self._frontier = frontier
        self._dice = dice
        self._loop = virtual_time.current()
        self._visits = self._under_way = 0
        self._done: list[Outcome] = []
        self._moved = asyncio.Event()
        self._reported: list[set[int]] = [set() for _ in web]

    def seeds(self) -> list[Request]:
        return [Request(Url(f"http://h{host}.test/0")) for host in range(len(self._web))]

    async def run(self) -> None:
        """Returns when nothing is left."""
        while True:
            for lease in await self._frontier.lease(64):
                self._under_way += 1
                self._loop.call_later(self._answer_s(lease), self._end, lease)
            if self._done:
                batch, self._done = self._done, []
                await self._frontier.settle(batch, {})
                self._visits += len(batch)
                continue
            turns = [view.next_turn_in_s for view in self._frontier.busiest(len(self._web)) if view.queued]
            waits = [turn for turn in turns if turn is not None]
            if not self._under_way and not waits:
                return
            self._moved.clear()
            if waits:
                self._loop.call_later(min(waits) + 1e-6, self._moved.set)
            await self._moved.wait()

    def look(self) -> None:
        """Notes what the panel of a crawl sees once a second."""
        counts = self._frontier.counts()
        sites = [_now(view) for view in self._frontier.busiest(64)]
        self.watch.note(self._loop.time(), sites, self._visits, counts.queued + counts.leased)

    def _answer_s(self, lease: Lease) -> float:
        return self._web[_host(lease)].answer_s * self._dice.lognormvariate(0, 0.4)

    def _end(self, lease: Lease) -> None:
        host, number = _host(lease), int(lease.request.url.text.rpartition("/")[2])
        links = [one for one in self._web[host].links[number] if one not in self._reported[host]]
        self._reported[host].update(links)
        texts = [f"http://h{host}.test/{one}" for one in links]
        prints = b"".join(urls.fingerprint(text, self._frontier.key).to_bytes(8, "little") for text in texts)
        news = Links("\n".join(texts), prints)
        page = Page(lease.token.to_bytes(32, "little"), length=1, kind="html", news=news, gist=lease.token)
        response = Response(lease.request.url, 200, ())
        self._done.append(
            Outcome(lease, Disposition.FETCHED, response=response, page=page, rest_s=DELAY_S, ended=self._loop.time())
        )
        self._under_way -= 1
        self._moved.set()


async def watch_one(web: Sequence[Site], seed: int) -> Told:
    """Crawls a web to its end; asks once on the way how long it still takes."""
    loop, dice = virtual_time.current(), random.Random(seed)
    expected_s = max(site.size * (DELAY_S + site.answer_s * 1.08) for site in web)
    moment = loop.time() + dice.uniform(EARLIEST, LATEST) * expected_s
    terms = parts.terms(Config())
    async with open_memory(terms, clock=Clock(loop.time, loop.wall)) as frontier:
        crawl, begun = RunningCrawl(web, frontier, dice), loop.time()
        await frontier.add(crawl.seeds())
        said: Eta | None = None
        run = asyncio.create_task(crawl.run())
        while not run.done():
            await asyncio.wait([run], timeout=LOOK_S)
            if said is None:
                crawl.look()
                if loop.time() >= moment:
                    asked = loop.time()
                    said = foresee_end(crawl.watch.sites(), crawl.watch.whole(), Limits())
        await run
    spent = loop.time() - begun
    assert said is not None
    return Told(tuple(site.kind for site in web), (asked - begun) / spent, said.low_s, said.high_s, loop.time() - asked)


def watch_many(number: int = WEBS, seed: int = SEED, most: int = MOST) -> list[Told]:
    """Returns what was told of so many crawls that ran. `most`: pages of a site."""
    webs = make_webs(number, seed, most=most)
    return [virtual_time.run(watch_one(web, seed * 1000 + n)) for n, web in enumerate(webs)]


def sample_many(number: int = WEBS, seed: int = SEED, sample: int = SAMPLE, *, sitemaps: float = 0.5) -> list[Told]:
    """Returns what was told of so many sites before a crawl. `sitemaps`: the share of sites that have one."""
    dice = random.Random(seed)
    return [_sample_one(make_site(dice, sitemaps=sitemaps), sample, random.Random(seed)) for _ in range(number)]


def _sample_one(site: Site, sample: int, dice: random.Random) -> Told:
    seen = _look_at(site, sample)
    said = interval_of(foresee_size(seen, dice) or [math.inf], len(seen.known))
    high = None if said.high is None else math.ceil(said.high)
    return Told((site.kind,), len(seen.pages) / site.size, math.floor(said.low), high, site.size)


def _look_at(site: Site, sample: int) -> Sample:
    """Visits the pages that a crawl visits first: home, then what the sitemap lists, then what links lead to."""
    order = list(dict.fromkeys([0, *site.sitemap]))
    known, pages = set(order), list[PageSeen]()
    for page in order:
        if len(pages) == sample:
            break
        pages.append(PageSeen(str(page), frozenset(map(str, site.links[page]))))
        order += [one for one in site.links[page] if one not in known]
        known.update(site.links[page])
    return Sample(pages, {"0"}, frozenset(map(str, site.sitemap)))


def coverage(told: Sequence[Told]) -> float:
    """Returns how often the truth was in the interval, of those that were told."""
    closed = [one for one in told if one.is_closed]
    return sum(one.holds for one in closed) / len(closed) if closed else 0.0


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks forecast", description=__doc__)
    parser.add_argument("--webs", type=int, default=WEBS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args(arguments)
    every = {
        "crawls that run, when they end": watch_many(given.webs, given.seed),
        "sites with a sitemap, how many pages": sample_many(given.webs, given.seed, sitemaps=1.0),
        "sites without one, how many pages": sample_many(given.webs, given.seed, sitemaps=0.0),
    }
    every = {what: [one for one in told if one.share < 1] for what, told in every.items()}  # the others are no feat
    for what, told in every.items():
        _print(what, told)
    print(f"goal: intervals of 80 % hold in {GOAL:.0%} of the cases")
    return 0 if all(coverage(told) >= GOAL for told in every.values()) else 1


def _print(what: str, told: Sequence[Told]) -> None:
    closed = [one for one in told if one.is_closed]
    print(f"{what}: {len(told)} asked, {len(closed)} got an interval of 80 %, {coverage(closed):.1%} of these hold")
    low = sum(one.truth < one.low for one in closed)
    widths = sorted((one.high or 0) / max(one.low, 1.0) for one in closed)
    print(f"  truth below: {low}, above: {sum(not one.holds for one in closed) - low}", end="; ")
    print(f"high / low: median {widths[len(widths) // 2]:.2f}, nine of ten below {widths[9 * len(widths) // 10]:.2f}")
    opened = [one for one in told if not one.is_closed]
    print(f"  where only a least figure was told, it holds for {sum(one.holds for one in opened)} of {len(opened)}")
    for first, last in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)):
        part = [one for one in told if first <= one.share < last]
        ok = [one for one in part if one.is_closed]
        print(f"  {first:.0%} to {last:.0%} done: {len(part)}, {len(ok)} told, {coverage(ok):.1%} hold")
    for kind in sorted({kind for one in told for kind in one.kinds}):
        part = [one for one in told if set(one.kinds) == {kind}]
        ok = [one for one in part if one.is_closed]
        print(f"  {kind:<8} alone: {len(part)}, {len(ok)} told, {coverage(ok):.1%} hold")


def _host(lease: Lease) -> int:
    return int(lease.request.url.text[8:].partition(".")[0])


def _now(view: SiteView) -> SiteNow:
    return SiteNow(view.site, view.queued + view.leased, view.visits, DELAY_S, math.inf)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
