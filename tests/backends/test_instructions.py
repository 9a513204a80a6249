"""What the owner of a crawl asks of its nodes while they work: other settings, held sites, pause and stop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from crawler import Config, ConfigError, UrlError, open_engine
from crawler.settings.loading import amend
from crawler.testing import link_graph
from tests.backends.stories import TOLERANCE_S, TTL_S, Crowd, open_crowd
from tests.postgres import Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]
BEAT_S = TTL_S / 6
SLOW_S = 0.8


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


@pytest.mark.long
async def test_a_held_site_and_another_delay_reach_both_nodes_and_one_that_joins_later(
    server: Server, tmp_path: Path
) -> None:
    web = link_graph(seed=21, sites=8, pages_per_site=40, links_per_page=6)
    async with open_crowd(server, "instructed", web, tmp_path) as crowd:
        await crowd.join()
        await crowd.join()
        await crowd.hits(50)
        held = crowd.served.web.sites[0].host
        site = crowd.served.url(held)
        async with open_engine(crowd.url) as engine:
            await engine.hold("NAME", site, who="me")
            await engine.change("NAME", {"delay_s": SLOW_S}, who="me")
        await asyncio.sleep(BEAT_S + SLOW_S + 0.5)  # the beat, and the visits that were under way at it
        stood, begun = len(crowd.served.of(held)), len(crowd.served.hits)
        await crowd.join()
        await crowd.hits(begun + 40)
        assert len(crowd.served.of(held)) == stood, "a held site is asked by no node"
        _check_delay(crowd, begun)
        async with open_engine(crowd.url) as engine:
            await engine.change("NAME", {"delay_s": 0.1}, who="me")
            await engine.let_go("NAME", site, who="me")
        await crowd.end()
        found = await crowd.merge()
        assert set(found) == crowd.served.web.reachable()
        assert set(found.values()) == {1}
        for home in crowd.home.glob("*/settings.history"):
            assert b"politeness.delay_s" in home.read_bytes(), home


def _check_delay(crowd: Crowd, begun: int) -> None:
    """Raises AssertionError where a site rested for less than the delay of now."""
    late = {id(hit) for hit in crowd.served.hits[begun:]}
    for site in crowd.served.web.sites:
        for earlier, later in pairwise([hit for hit in crowd.served.of(site.host) if id(hit) in late]):
            assert later.began - (earlier.ended or earlier.began) >= SLOW_S - TOLERANCE_S, (site.host, later.target)


async def test_instructions_are_refused_whole_and_kept_once(server: Server) -> None:
    await server.ask("CREATE DATABASE refused")
    async with open_engine(server.url.rpartition("/")[0] + "/refused") as engine:
        await engine.begin("shop", amend(Config(), {"max_depth": 3}), ["https://example.org/"])
        wrong: list[tuple[dict[str, object], str]] = [
            ({"concurrency": 4}, "fetch.concurrency: is about the machine"),
            ({"limit_per_site": 4}, "scope.limit_per_site: cannot change in a crawl on several machines"),
            ({"max_depth": 4}, "scope.max_depth: lets in URLs"),
            ({"delai_s": 4}, "delay_s"),
            ({"sinks": [{"kind": "csv"}]}, "sinks: cannot be changed"),
        ]
        for settings, words in wrong:
            with pytest.raises(ConfigError, match=re.escape(words)):
                await engine.change("shop", settings, who="me")
        with pytest.raises(UrlError):
            await engine.hold("shop", "http://[", who="me")
        assert await engine.history("shop") == []

        told = await asyncio.gather(*(engine.change("shop", {"delay_s": 2 + n}, who=f"{n}") for n in range(4)))
        assert all(told)
        await engine.hold("shop", "https://example.org/any/page", who="me")
        await engine.hold("shop", "https://example.org/", who="me")
        await engine.control("shop", "pause", who="me")
        await engine.control("shop", "pause", who="me")
        events = await engine.history("shop")
        delays = [change for event in events for change in event.changes if change.key == "politeness.delay_s"]
        assert len(events) == 6
        assert [one.old for one in delays[1:]] == [one.new for one in delays[:-1]]
        [crawl] = await engine.standings()
        assert (crawl.held, crawl.control, crawl.version) == (("https://example.org",), "pause", 6)
        assert crawl.settings["politeness.delay_s"] == delays[-1].new


async def test_the_command_asks_all_nodes_and_shows_who_asked_what(server: Server, tmp_path: Path) -> None:
    async with open_crowd(server, "asked", link_graph(seed=22, sites=1, pages_per_site=1), tmp_path) as crowd:
        async with open_engine(crowd.url) as engine:
            await engine.begin("NAME", Config(), ["https://example.org/"])
        said = await crowd.tell("hold", "https://example.org/any/page")
        assert "no node begins further visits to https://example.org/any/page" in said
        assert "politeness.delay_s: 1.0 -> 2.5" in await crowd.tell("change", "--set", "delay_s=2.5")
        await crowd.tell("pause")
        events = [orjson.loads(line) for line in (await crowd.tell("history", "--json")).splitlines()]
        assert [(one["key"], one["old"], one["new"]) for event in events for one in event["changes"]] == [
            ("held", [], ["https://example.org"]),
            ("politeness.delay_s", 1.0, 2.5),
            ("control", "run", "pause"),
        ]
        assert all("uid" in event["who"] and event["at"] for event in events)
        code, said = await crowd.command("nodes", "NAME", "hold", "--engine", crowd.url)
        assert (code, "hold and release one site" in said) == (2, True), said
        code, said = await crowd.command("nodes", "NAME", "change", "--engine", crowd.url)
        assert (code, "--set delay_s=2" in said) == (2, True), said
