"""A rehearsal says what a crawl would do, and does nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crawler import seeds, urls
from crawler.dry_run import MOST_SITES, Rehearsal, rehearse
from crawler.errors import SeedError
from crawler.model import Reason, Url
from crawler.settings import Config
from crawler.settings.loading import load
from crawler.testing import Served, Site, Web, disallowing, html, open_web, robots, sitemap
from crawler.testing.robots import Rules, stating


def settings(**chosen: object) -> Config:
    return load(settings={"allow_networks": ["127.0.0.0/8"], "delay_s": 0} | chosen)


def at(served: Served, *places: tuple[str, str]) -> list[Url]:
    return [urls.parse(served.url(host, target)) for host, target in places]


def refusals(told: Rehearsal) -> dict[str, tuple[Reason, str]]:
    return {refusal.url.path: (refusal.reason, refusal.detail) for refusal in told.refused}


async def test_it_fetches_robots_txt_and_nothing_else() -> None:
    sites = [Site("a.test", {"/": html("A", ["/1"])}), Site("b.test", {"/": html("B")})]
    async with open_web(Web(sites)) as served:
        told = await rehearse(at(served, ("a.test", "/"), ("b.test", "/"), ("a.test", "/2")), settings())
        assert sorted(hit.url for hit in served.hits) == sorted(
            served.url(host, "/robots.txt") for host in ("a.test", "b.test")
        )
    assert [turn.url.text for turn in told.first] == [
        served.url("a.test"), served.url("b.test"), served.url("a.test", "/2"),
    ]  # fmt: skip
    assert (told.seeds, told.sites, told.asked, told.queued, told.refused) == (3, 2, 2, 0, [])


async def test_sites_take_turns_and_rest_as_in_a_crawl() -> None:
    sites = [Site("a.test", {}, robots.delaying(30)), Site("b.test", {})]
    async with open_web(Web(sites)) as served:
        seeds = at(served, *((host, f"/{n}") for host in ("a.test", "b.test") for n in (1, 2)))
        told = await rehearse(seeds, settings(delay_s=10))
    assert [turn.url for turn in told.first] == [seeds[2], seeds[3], seeds[0], seeds[1]]
    # Asking for robots.txt is a turn, too. The beginning takes as long as the answers do.
    rests = [round(turn.in_s - told.first[0].in_s) for turn in told.first]
    assert rests == [0, 10, 20, 50]


async def test_an_address_that_is_refused_is_told_even_if_robots_txt_is_ignored() -> None:
    told = await rehearse([urls.parse("http://10.0.0.1/in")], settings(robots="ignore"))
    assert refusals(told) == {"/in": (Reason.BLOCKED_ADDRESS, "10.0.0.1: private")}
    assert told.first == []


async def test_every_refusal_is_told_with_the_rule_that_decided() -> None:
    sites = [Site("a.test", {}, disallowing("/private/")), Site("b.test", {}, robots.broken())]
    async with open_web(Web(sites)) as served:
        places = at(served, ("a.test", "/ok"), ("b.test", "/down"), ("a.test", "/x.pdf"), ("b.test", "/too"))
        private = at(served, *(("a.test", f"/private/{n}") for n in range(3)))
        told = await rehearse([*places, *private], settings(exclude=["*.pdf"]), first=2)
    found = refusals(told)
    assert found.pop("/x.pdf") == (Reason.OUT_OF_SCOPE, "exclude *.pdf")
    assert {found.pop(f"/private/{n}") for n in range(3)} == {(Reason.ROBOTS, "line 2: Disallow: /private/")}
    assert {reason for reason, _ in found.values()} == {Reason.ROBOTS_UNREACHABLE}
    assert sorted(found) == ["/down", "/too"]
    assert told.queued == 0


async def test_sitemaps_are_read_and_what_they_list_is_told() -> None:
    rules = Rules(sitemaps=("http://a.test/map.xml",))
    site = Site("a.test", {"/map.xml": sitemap(["/s1", "/s2"]), "/s1": html("1"), "/s2": html("2")}, stating(rules))
    async with open_web(Web([site])) as served:
        told = await rehearse(at(served, ("a.test", "/")), settings(sitemaps=True))
        assert [hit.url for hit in served.hits] == [
            served.url("a.test", "/robots.txt"),
            served.url("a.test", "/map.xml"),
        ]
        plain = await rehearse(at(served, ("a.test", "/")), settings())
    first = {turn.url.path: turn for turn in told.first}
    assert set(first) == {"/", "/map.xml", "/s1", "/s2"}
    assert [turn.url.path for turn in told.first if turn.was_read] == ["/map.xml"]
    assert first["/s1"].via == first["/map.xml"].url
    assert [turn.url.path for turn in plain.first] == ["/"]


async def test_a_list_without_an_end_is_looked_at_from_its_beginning() -> None:
    asked = 0

    def endless() -> Iterator[Url]:
        nonlocal asked
        while True:
            asked += 1
            yield Url(f"http://127.0.0.1:1/{asked // 2}")

    told = await rehearse(endless(), settings(robots="ignore"), first=5, most_seeds=1000)
    assert (told.is_cut, told.seeds, told.repeated, asked) == (True, 501, 499, 1000)
    assert (len(told.first), told.queued) == (5, 496)


async def test_of_many_sites_only_the_first_are_asked() -> None:
    seeds = [Url(f"http://127.1.0.{n}:1/") for n in range(1, MOST_SITES + 51)]
    told = await rehearse(seeds, settings())
    assert (told.sites, told.asked) == (MOST_SITES + 50, MOST_SITES)
    assert {refusal.reason for refusal in told.refused} == {Reason.CONNECT}
    assert told.queued == 50


async def test_seeds_that_cannot_be_used_end_it() -> None:
    with pytest.raises(SeedError):
        await rehearse(seeds.read(["/dev/null"]), settings())
