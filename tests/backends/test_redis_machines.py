"""Several nodes on one Redis server: whoever dies, whatever the server forgets, every page is in the output once."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import orjson
import pytest

from crawler import FrontierError, open_engine
from crawler.backends.redis.link import check_server
from crawler.testing import link_graph
from tests.backends.relay import Relay, open_relay
from tests.backends.stories import CRAWL, TTL_S, Crowd, open_crowd
from tests.backends.test_partition import half_opens, long_stall, resets, short_stall
from tests.redis_server import PASSWORD, RedisServer, open_redis, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]
LOST_S = 2.0


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with open_redis() as opened:
        yield opened


async def check_whole(crowd: Crowd, kills: int, overlaps: int = 0) -> None:
    """Raises AssertionError unless every node ended by itself, and every page is in the output once."""
    await crowd.end(killed=kills)
    found = await crowd.merge()
    assert set(found) == crowd.served.web.reachable()
    assert set(found.values()) == {1}
    crowd.check_politeness(overlaps)


async def test_two_nodes_one_killed_a_third_joins_and_all_come_to_an_end(server: RedisServer, tmp_path: Path) -> None:
    web = link_graph(seed=3, sites=12, pages_per_site=14, links_per_page=6)
    async with open_crowd(server, "joined", web, tmp_path) as crowd:
        first = await crowd.join()
        await crowd.hits(20)
        await crowd.join()
        await crowd.hits(60)
        crowd.send(first, signal.SIGKILL)
        await crowd.join()
        await check_whole(crowd, 1)
        again = sum(crowd.served.counts(robots=False).values()) - len(crowd.served.web.reachable())
        assert again <= crowd.in_flight()
        assert PASSWORD not in crowd.said()


async def test_a_server_that_comes_back_without_its_last_seconds_costs_no_page(
    server: RedisServer, tmp_path: Path
) -> None:
    """What it had said that it stored is gone: nodes find that out, cut their files, and fetch it again."""
    web = link_graph(seed=22, sites=12, pages_per_site=20, links_per_page=6)
    async with open_crowd(server, "rolled_back", web, tmp_path) as crowd:
        await crowd.join()
        await crowd.join()
        await crowd.hits(110)
        server.crash()
        cut = server.lose_seconds(LOST_S, Random(5))
        server.start()
        await check_whole(crowd, 0)
        assert cut > 100
        assert "came back without its last second" in crowd.said()
        again = sum(crowd.served.counts(robots=False).values()) - len(crowd.served.web.reachable())
        assert again > 0


@pytest.mark.long
async def test_a_server_that_forgets_again_and_again_costs_no_page(server: RedisServer, tmp_path: Path) -> None:
    moments = Random(23)
    web = link_graph(seed=23, sites=12, pages_per_site=24, links_per_page=6)
    async with open_crowd(server, "rolled_back_often", web, tmp_path) as crowd:
        for _ in range(3):
            await crowd.join()
        kills = 0
        for asked in range(60, 260, 50):
            await crowd.hits(asked)
            if moments.random() < 0.5:
                node = moments.choice([node for node in crowd.nodes if node.returncode is None])
                crowd.send(node, signal.SIGKILL)
                await node.wait()
                kills += 1
            server.crash()
            server.lose_seconds(moments.uniform(0.2, LOST_S), moments)
            server.start()
            await crowd.join()
        await check_whole(crowd, kills)


@pytest.mark.long
async def test_a_node_that_stood_still_for_longer_than_its_life_joins_again(
    server: RedisServer, tmp_path: Path
) -> None:
    web = link_graph(seed=4, sites=12, pages_per_site=20, links_per_page=6)
    async with open_crowd(server, "stopped", web, tmp_path) as crowd:
        first, second = await crowd.join(), await crowd.join()
        await crowd.hits(40)
        crowd.send(first, signal.SIGSTOP)
        await asyncio.sleep(TTL_S * 1.5)  # it is taken for dead meanwhile
        crowd.send(first, signal.SIGCONT)
        assert second.returncode is None
        await check_whole(crowd, 0, overlaps=len(web.sites))


@pytest.mark.long
@pytest.mark.parametrize("away_s", [0.3, 3 * TTL_S])
async def test_a_server_that_is_killed_and_comes_back_costs_no_page(
    server: RedisServer, tmp_path: Path, away_s: float
) -> None:
    web = link_graph(seed=5, sites=12, pages_per_site=16, links_per_page=6)
    async with open_crowd(server, "crashed", web, tmp_path) as crowd:
        await crowd.join()
        await crowd.join()
        await crowd.hits(50)
        server.crash()
        await asyncio.sleep(away_s)
        if away_s > TTL_S:
            asked = len(crowd.served.hits)
            await asyncio.sleep(1.0)
            assert len(crowd.served.hits) == asked, "nothing is fetched while nobody knows who may"
        server.start()
        await check_whole(crowd, 0)


@pytest.mark.long
async def test_whatever_happens_in_whatever_order_every_page_is_there_once(server: RedisServer, tmp_path: Path) -> None:
    moments = Random(11)
    web = link_graph(seed=7, sites=12, pages_per_site=24, links_per_page=6)
    async with open_crowd(server, "mixed", web, tmp_path) as crowd:
        for _ in range(3):
            await crowd.join()
        kills = 0
        for asked in range(40, 220, 30):
            await crowd.hits(asked)
            node = moments.choice([node for node in crowd.nodes if node.returncode is None])
            match moments.choice(("kill", "stop", "server")):
                case "kill":
                    crowd.send(node, signal.SIGKILL)
                    await node.wait()
                    kills += 1
                    await crowd.join()
                case "stop":
                    crowd.send(node, signal.SIGSTOP)
                    await asyncio.sleep(TTL_S * 1.2)
                    crowd.send(node, signal.SIGCONT)
                case "server":
                    server.crash()
                    await asyncio.sleep(0.3)
                    server.start()
        await check_whole(crowd, kills, overlaps=len(web.sites))


@pytest.mark.long
async def test_what_a_lost_machine_wrote_is_fetched_again_and_another_one_is_asked_to_leave(
    server: RedisServer, tmp_path: Path
) -> None:
    web = link_graph(seed=8, sites=10, pages_per_site=24, links_per_page=5)
    async with open_crowd(server, "lost", web, tmp_path) as crowd:
        first = await crowd.join()
        await crowd.hits(45)
        async with open_engine(crowd.url) as engine:
            [one] = await engine.nodes("NAME")
            assert one.is_alive
            with pytest.raises(FrontierError, match="is alive"):
                await engine.forget("NAME", one.name)
        crowd.send(first, signal.SIGKILL)
        await first.wait()
        shutil.rmtree(crowd.home)
        await asyncio.sleep(TTL_S)
        code, said = await crowd.command("nodes", "NAME", "forget", one.name, "--engine", crowd.url)
        assert (code, "will be fetched again" in said) == (0, True), said
        code, said = await crowd.command("nodes", "NAME", "--engine", crowd.url)
        assert (code, f"{one.name}: gone, 0 shards, 0 visits" in said) == (0, True), said
        second = await crowd.join()
        await crowd.hits(len(crowd.served.hits) + 20)
        third = await crowd.join()
        await crowd.hits(len(crowd.served.hits) + 10)
        async with open_engine(crowd.url) as engine:
            await engine.drain("NAME", min(path.name for path in crowd.home.iterdir() if path.is_dir()))
        async with asyncio.timeout(60):
            codes = {await second.wait(), await third.wait()}
        assert codes == {0, 11}, crowd.said()
        found = await crowd.merge()
        assert set(found) == crowd.served.web.reachable()
        assert set(found.values()) == {1}


@pytest.mark.long
async def test_a_limit_of_pages_holds_over_all_nodes_though_one_is_killed(server: RedisServer, tmp_path: Path) -> None:
    web = link_graph(seed=10, sites=12, pages_per_site=20, links_per_page=6)
    async with open_crowd(server, "limited", web, tmp_path) as crowd:
        crowd.options += ["--limit", "70"]
        first = await crowd.join()
        await crowd.join()
        await crowd.hits(50)
        crowd.send(first, signal.SIGKILL)
        await crowd.join()
        await crowd.end(killed=1)
        code, said = await crowd.command("merge", "NAME", "--engine", crowd.url, "-o", "pages.jsonl", "--partly")
        assert code == 0, said
        found = [orjson.loads(line) for line in (tmp_path / "pages.jsonl").read_bytes().splitlines()]
        assert sum(one["disposition"] == "fetched" for one in found) == 70
        assert max(Counter(one["url"] for one in found).values()) == 1


@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param((long_stall, resets), id="stalls and is reset", marks=pytest.mark.long),
        pytest.param((resets, short_stall, half_opens, resets, long_stall), id="all of it", marks=pytest.mark.long),
    ],
)
async def test_a_node_that_is_parted_from_the_server_loses_nothing(
    server: RedisServer, tmp_path: Path, breaks: tuple[Callable[[Relay], float], ...]
) -> None:
    """One node of two goes through a relay; the other one takes over what the first one cannot hold."""
    web = link_graph(seed=15, sites=12, pages_per_site=10 + 4 * len(breaks), links_per_page=6)
    async with open_crowd(server, "parted", web, tmp_path) as crowd, open_relay(server.port) as relay:
        straight = crowd.url
        crowd.url = server.tcp_url(relay.port)
        await crowd.join()
        await crowd.hits(10)
        crowd.url = straight
        await crowd.join()
        for number, fail in enumerate(breaks, 1):
            await crowd.hits(30 * number)
            await asyncio.sleep(fail(relay))
            relay.go_on()
        await check_whole(crowd, 0, overlaps=len(web.sites))


# -- what bad input gets -----------------------------------------------------------------------------------------------


async def test_bad_input_gets_one_clear_line(server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/")
    foreign = server.new_url()
    server.ask("SET", "crawld", "mine", database=server.databases)
    for url, words, code in (
        ("redis:/x", "should be like postgresql://", 2),
        ("redi://127.0.0.1/0", "did you mean redis?", 2),
        ("redis://127.0.0.1/zero", "should be like redis://", 2),
        ("redis://127.0.0.1/0?unknown=1", "should be like redis://", 2),
        ("redis://127.0.0.1:1/0", "cannot be reached (connection refused)", 1),
        (f"redis://{server.path}.not", "cannot be reached (no such file or directory)", 1),
        (server.url().replace(PASSWORD, "wrong"), "refuses this user or password", 1),
        (f"redis://{server.path}", "refuses this user or password (it wants one)", 1),
        (server.url(1000), "has no such database", 1),
        (foreign, "of another program", 1),
    ):
        told, said = await crawl(tmp_path, "urls.txt", "--engine", url, "-o", "NAME")
        assert (told, words in said) == (code, True), said
        assert len(said.splitlines()) == 1, said
        assert PASSWORD not in said
        assert not (tmp_path / "NAME").exists()


async def test_a_server_that_would_lose_a_crawl_silently_is_refused_unless_it_is_said_aloud(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/")
    with open_redis({"appendonly": "no"}) as server:
        words = ("urls.txt", "--engine", server.url(), "-o", "NAME", "--retries", "0")
        for setting, value, safe, cause in (
            ("appendonly", "no", "yes", "keeps nothing when it ends (appendonly no)"),
            ("appendfsync", "no", "everysec", "leaves it to chance when it writes (appendfsync no)"),
            ("maxmemory-policy", "allkeys-lru", "noeviction", "throws keys away when its memory is full"),
        ):
            server.ask("CONFIG", "SET", "appendonly", "yes")
            server.ask("CONFIG", "SET", setting, value)
            code, said = await crawl(tmp_path, *words)
            assert (code, cause in said, "--durability none" in said) == (2, True, True), said
            assert len(said.splitlines()) == 1
            assert not (tmp_path / "NAME").exists()
            assert server.ask("HGETALL", "crawld:crawls") == {}, "nothing half-joined is left behind"
            server.ask("CONFIG", "SET", setting, safe)
        server.ask("CONFIG", "SET", "appendonly", "no")
        code, said = await crawl(tmp_path, *words, "--durability", "none", "--allow-network", "127.0.0.0/8")
        assert code == 4, said  # nobody answers there
        server.ask("CONFIG", "SET", "maxmemory", "1mb")
        code, said = await crawl(tmp_path, *words[:-3], "FULL", "--durability", "none")
        assert (code, "has no memory left" in said) == (5, True), said


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"redis_version": "6.2.14", "role": "master"}, "is Redis 6.2.14: an engine needs 7.0 or later"),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.0", "role": "slave"}, "is a replica"),
        ({"redis_version": "7.2.4", "role": "master", "cluster_enabled": 1}, "is a node of a cluster"),
    ],
)
def test_a_server_that_can_keep_no_crawl_is_refused(told: dict[str, object], words: str) -> None:
    with pytest.raises(FrontierError, match=words):
        check_server(told, "redis://there/0")


async def test_a_crawl_with_other_settings_or_other_seeds_does_not_join(server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/")
    (tmp_path / "others.txt").write_text("http://127.0.0.1:9/other")
    same = ("--engine", server.new_url(), "-o", "NAME", "--allow-network", "127.0.0.0/8", "--retries", "0")
    code, said = await crawl(tmp_path, "urls.txt", *same, "--depth", "2")
    assert code == 4, said  # nobody answers there
    code, said = await crawl(tmp_path, "urls.txt", *same, "--depth", "3")
    assert (code, "scope.max_depth is 2 there and 3 here" in said) == (2, True), said
    code, said = await crawl(tmp_path, "others.txt", *same, "--depth", "2")
    assert (code, "has other seeds" in said) == (2, True), said


async def crawl(folder: Path, *words: str) -> tuple[int, str]:
    made = await asyncio.create_subprocess_exec(
        CRAWL, *words, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await made.communicate()
    return made.returncode or 0, said.decode()
