"""`gone` is never said of a page that an outage hides, and once of each page that is gone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import pytest

from crawler import Reason
from crawler.feed import PageChange, open_feed
from crawler.sinks.jsonl import JsonLinesReader

from .webs import DAY, START, Fault, Site, a_part, all_but_home, all_pages, at_first, during, in_turns, now_and_then

S4, S5 = Reason.STATUS_4XX, Reason.STATUS_5XX

KINDS: dict[str, list[Fault]] = {
    "all 404": [all_pages(404, S4)],
    "all 410": [all_pages(410, S4)],
    "all but home 404": [all_but_home(404)],
    "503": [all_pages(503, S5)],
    "no connection": [all_pages(None, Reason.CONNECT)],
    "no name": [all_pages(None, Reason.DNS)],
    "time-outs": [all_pages(None, Reason.TIMEOUT)],
    "a soft outage": [all_pages(200, Reason.SOFT_OUTAGE)],
    "a block with 404": [all_pages(404, Reason.BLOCKED)],
    "half of its servers 404": [a_part(0.5, 404, 1)],
    "a fifth 404": [a_part(0.2, 404, 2)],
    "an eighth 410": [a_part(0.125, 410, 3)],
    "404 and 503 in turns": [in_turns(all_pages(404, S4), all_pages(503, S5))],
    "any page 404 by chance": [now_and_then(0.3, 404, 4)],
    "few pages 404 by chance": [now_and_then(0.05, 404, 5)],
    "the first seconds of a crawl": [at_first(20, all_pages(404, S4))],
    "the first pages of a crawl": [at_first(3, all_pages(404, S4))],
}
WHEN = [(2.0, 0.5), (5.0, 4.0), (12.0, 13.0)]
"""Begin and length of each outage, in days: each kind of outage is planted three times."""


def test_no_outage_of_some_days_makes_a_page_gone_and_each_gone_page_is_told_once(tmp_path: Path) -> None:
    check(tmp_path, WHEN[1:2])


@pytest.mark.long
def test_nor_does_any_of_51_outages(tmp_path: Path) -> None:
    assert check(tmp_path, WHEN) == 51


def check(folder: Path, when: Sequence[tuple[float, float]]) -> int:
    """Plants each kind of outage as often, each in a site of its own that has two pages that are really gone."""
    sites = []
    for (kind, faults), (begin, days) in product(KINDS.items(), when):
        name = f"{kind.replace(' ', '-')}-{days:g}.test"
        lost = random.Random(name).sample(range(1, 40), 2)
        gone = {n: START + day * DAY for n, day in zip(lost, (3, 20), strict=True)}
        planted = [during(begin, days, fault) for fault in faults]
        sites.append(Site(name, 40, 60, planted, gone, most_wait=DAY))
    told = Counter(one.url for one in follow(folder, sites) if one.kind == "gone")
    really = {f"https://{site.name}/{n}" for site in sites for n in site.gone}
    assert {url: n for url, n in told.items() if url not in really} == {}
    assert really - told.keys() == set()
    assert set(told.values()) == {1}
    return sum(len(site.faults) for site in sites)


def test_a_site_that_is_well_is_told_of_soon(tmp_path: Path) -> None:
    site = Site("a.test", 60, 12, gone={30: START + 0.5 * DAY})
    [gone] = [one for one in follow(tmp_path, [site]) if one.kind == "gone"]
    assert (gone.url, gone.status, gone.refusals, gone.visit) == ("https://a.test/30", 404, 3, 4)
    assert gone.since == "2026-09-22T14:13:49Z"


@pytest.mark.parametrize("pages", [1, 2])
def test_a_site_all_of_whose_pages_fail_for_ever_gives_no_gone(tmp_path: Path, pages: int) -> None:
    site = Site("a.test", pages, 300, [during(1, 1000, all_pages(404, S4))])
    assert [one.kind for one in follow(tmp_path, [site])] == ["new"] * pages


def test_a_part_that_is_gone_for_good_is_told_in_the_end(tmp_path: Path) -> None:
    site = Site("a.test", 60, 150, gone=dict.fromkeys(range(20, 50), START + DAY))
    told = Counter(one.url for one in follow(tmp_path, [site]) if one.kind == "gone")
    assert told == {f"https://a.test/{n}": 1 for n in range(20, 50)}


def follow(folder: Path, sites: Iterable[Site]) -> list[PageChange]:
    """The changes in the records of these sites, whose crawls run side by side."""
    path = folder / "pages.jsonl"
    lines = sorted((line for site in sites for line in site.lines()), key=lambda line: line[0])
    path.write_bytes(b"".join(line for _, line in lines))
    with open_feed(folder / "changes.sqlite") as feed:
        reader = JsonLinesReader(path)
        feed.take(reader, reader.end())
        return list(feed.changes())
