"""Several nodes on one PostgreSQL server: whoever dies, every page is in the output once, and no site is pressed."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import asyncpg
import orjson
import pytest

from crawler import Config, FrontierError, open_engine, prove_folders, read_folder
from crawler.testing import link_graph, open_web
from tests.backends.stories import CRAWL, TTL_S, Crowd, open_crowd
from tests.postgres import PASSWORD, Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


async def test_two_nodes_one_killed_a_third_joins_and_all_come_to_an_end(server: Server, tmp_path: Path) -> None:
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


async def check_whole(crowd: Crowd, kills: int, overlaps: int = 0) -> None:
    """Raises AssertionError unless every node ended, every page is in the output once, and few were fetched again."""
    await crowd.end(killed=kills)
    found = await crowd.merge()
    assert set(found) == crowd.served.web.reachable()
    assert set(found.values()) == {1}
    crowd.check_politeness(overlaps)


@pytest.mark.long
async def test_a_node_that_stood_still_for_longer_than_its_life_joins_again(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=4, sites=12, pages_per_site=20, links_per_page=6)
    async with open_crowd(server, "stopped", web, tmp_path) as crowd:
        first, second = await crowd.join(), await crowd.join()
        await crowd.hits(40)
        crowd.send(first, signal.SIGSTOP)
        stood = len(crowd.served.hits)
        await asyncio.sleep(TTL_S * 1.5)  # it is taken for dead meanwhile
        crowd.send(first, signal.SIGCONT)
        assert second.returncode is None
        assert len(crowd.served.hits) > stood
        await check_whole(crowd, 0, overlaps=len(web.sites))


@pytest.mark.long
async def test_a_server_that_is_killed_and_comes_back_costs_no_page(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=5, sites=12, pages_per_site=16, links_per_page=6)
    async with open_crowd(server, "crashed", web, tmp_path) as crowd:
        await crowd.join()
        await crowd.join()
        await crowd.hits(50)
        server.crash()
        await asyncio.sleep(1.0)  # both find out
        server.start()
        await check_whole(crowd, 0)


@pytest.mark.long
async def test_a_server_that_is_away_for_three_lives_costs_no_page(server: Server, tmp_path: Path) -> None:
    web = link_graph(seed=6, sites=12, pages_per_site=16, links_per_page=6)
    async with open_crowd(server, "away", web, tmp_path) as crowd:
        await crowd.join()
        await crowd.join()
        await crowd.hits(50)
        server.crash()
        await asyncio.sleep(3 * TTL_S)
        asked = len(crowd.served.hits)
        await asyncio.sleep(1.0)
        assert len(crowd.served.hits) == asked, "nothing is fetched while nobody knows who may"
        server.start()
        await check_whole(crowd, 0)


@pytest.mark.long
async def test_whatever_happens_in_whatever_order_every_page_is_there_once(server: Server, tmp_path: Path) -> None:
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


async def test_what_a_lost_machine_wrote_is_fetched_again_and_another_one_is_asked_to_leave(
    server: Server, tmp_path: Path
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
            name = one.name
        crowd.send(first, signal.SIGKILL)
        await first.wait()
        shutil.rmtree(crowd.home)
        await asyncio.sleep(TTL_S)
        code, said = await crowd.command("merge", "NAME", "--engine", crowd.url, "-o", "pages.jsonl", "--partly")
        assert (code, "are not here" in said) == (2, True), said
        code, said = await crowd.command("nodes", "NAME", "forget", name, "--engine", crowd.url)
        assert (code, "will be fetched again" in said) == (0, True), said
        code, said = await crowd.command("nodes", "NAME", "--engine", crowd.url)
        assert (code, f"{name}: gone, 0 shards, 0 visits" in said) == (0, True), said
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
async def test_a_limit_of_pages_holds_over_all_nodes_though_one_is_killed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = link_graph(seed=10, sites=12, pages_per_site=20, links_per_page=6)
    async with open_crowd(server, "limited", web, tmp_path) as crowd:
        monkeypatch.setenv("ENGINE_URL", crowd.url)
        crowd.url = "$ENGINE_URL"
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
        assert all(PASSWORD not in path.read_text() for path in crowd.home.rglob("settings.toml"))


async def test_bad_input_gets_one_clear_line(server: Server, tmp_path: Path) -> None:
    await server.ask("CREATE DATABASE foreign_one")
    other = server.url.rpartition("/")[0]
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/")
    for url, words, code in (
        ("postgres:/x", "should be like postgresql://", 2),
        ("mysql://u@127.0.0.1/x", "should be like postgresql://", 2),
        ("postgresql://u@127.0.0.1:1/x", "cannot be reached (connection refused)", 1),
        (server.url.replace(PASSWORD, "wrong"), "refuses this user or password", 1),
        (f"{other}/nowhere", "has no such database", 1),
    ):
        said = await _crawl(tmp_path, "urls.txt", "--engine", url, "-o", "NAME")
        assert said[0] == code, said
        assert words in said[1], said
        assert len(said[1].splitlines()) == 1, said
        assert PASSWORD not in said[1]
        assert not (tmp_path / "NAME").exists()
    code, said_of_name = await _crawl(tmp_path, "urls.txt", "--engine", f"{other}/foreign_one")
    assert (code, "needs a name" in said_of_name) == (2, True)
    await _make_foreign(server, "foreign_one")
    code, words = await _crawl(tmp_path, "urls.txt", "--engine", f"{other}/foreign_one", "-o", "NAME")
    assert (code, "of another program" in words) == (1, True), words


async def test_a_crawl_with_other_settings_or_other_seeds_does_not_join(server: Server, tmp_path: Path) -> None:
    await server.ask("CREATE DATABASE agreed")
    url = server.url.rpartition("/")[0] + "/agreed"
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/")
    (tmp_path / "others.txt").write_text("http://127.0.0.1:9/other")
    same = ("--engine", url, "-o", "NAME", "--allow-network", "127.0.0.0/8", "--retries", "0")
    code, said = await _crawl(tmp_path, "urls.txt", *same, "--depth", "2")
    assert code == 4, said  # nobody answers there
    code, said = await _crawl(tmp_path, "urls.txt", *same, "--depth", "3")
    assert (code, "scope.max_depth is 2 there and 3 here" in said) == (2, True), said
    code, said = await _crawl(tmp_path, "others.txt", *same, "--depth", "2")
    assert (code, "has other seeds" in said) == (2, True), said


async def test_what_cannot_be_joined_gets_one_clear_line_and_nothing_is_left(server: Server, tmp_path: Path) -> None:
    await server.ask("CREATE DATABASE unjoined")
    url = server.url.rpartition("/")[0] + "/unjoined"
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/")
    (tmp_path / "FILE").write_text("")
    code, said = await _crawl(tmp_path, "urls.txt", "--engine", url, "-o", "FILE")
    assert (code, "FILE cannot be written" in said) == (2, True), said
    async with open_engine(url) as engine:
        assert await engine.crawls() == [], "the crawl was not begun"
    turned = "SELECT pg_catalog.clock_timestamp() + interval '2 hours'"
    await _execute(url, f"CREATE OR REPLACE FUNCTION crawld.clock() RETURNS timestamptz LANGUAGE sql AS $${turned}$$")
    code, said = await _crawl(tmp_path, "urls.txt", "--engine", url, "-o", "NAME")
    assert (code, " s behind that of postgresql://" in said, "set it right (NTP)" in said) == (1, True, True), said
    await _execute(url, "UPDATE crawld.engine SET layout = 99, version = '9.9.9'")
    code, said = await _crawl(tmp_path, "urls.txt", "--engine", url, "-o", "OTHER")
    assert (code, "has the tables of crawld 9.9.9 (layout 99)" in said) == (1, True), said
    old = await asyncio.start_server(_serve_old, "127.0.0.1", 0)
    port = old.sockets[0].getsockname()[1]
    async with old:
        foreign = f"postgresql://c:{PASSWORD}@127.0.0.1:{port}/db"
        code, said = await _crawl(tmp_path, "urls.txt", "--engine", foreign, "-o", "OTHER")
    assert (code, "is PostgreSQL 12.4: an engine needs 13 or later" in said) == (1, True), said
    assert not (tmp_path / "OTHER").exists()
    assert PASSWORD not in said


async def _serve_old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets a client as a server of PostgreSQL 12 does."""
    size = int.from_bytes(await reader.readexactly(4))
    if int.from_bytes((await reader.readexactly(size - 4))[:4]) == 80877103:  # it asks for TLS first
        writer.write(b"N")
        await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
    told = b"server_version\0" + b"12.4\0"
    writer.write(b"R" + (8).to_bytes(4) + bytes(4))
    writer.write(b"S" + (4 + len(told)).to_bytes(4) + told)
    writer.write(b"K" + (12).to_bytes(4) + bytes(8))
    writer.write(b"Z" + (5).to_bytes(4) + b"I")
    await writer.drain()
    await reader.read(1)  # it says goodbye
    writer.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def _crawl(folder: Path, *words: str) -> tuple[int, str]:
    made = await asyncio.create_subprocess_exec(
        CRAWL, *words, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await made.communicate()
    return made.returncode or 0, said.decode()


async def _make_foreign(server: Server, database: str) -> None:
    connection = await asyncpg.connect(server.url.rpartition("/")[0] + f"/{database}")
    await connection.execute("CREATE SCHEMA crawld; CREATE TABLE crawld.something (n int)")
    await connection.close()


async def test_the_lines_of_the_readme_do_what_they_say(server: Server, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text()
    [block] = [one for one in re.findall(r"```console\n(.*?)```", text, re.DOTALL) if "--engine" in one]
    lines = [line.removeprefix("$ ").partition("#")[0].strip() for line in block.splitlines()]
    make, begin, join, look, again, merge = lines
    assert begin == join == again
    await server.ask("CREATE DATABASE " + make.removeprefix("createdb "))
    url = server.url.rpartition("/")[0] + "/crawls"
    async with open_web(link_graph(seed=9, sites=8, pages_per_site=20, links_per_page=5)) as served:
        (tmp_path / "urls.txt").write_text("\n".join(served.seeds))
        environ = os.environ | {"CRAWL_ALLOW_NETWORKS": '["127.0.0.0/8"]', "CRAWL_DELAY_S": "0.3", "CRAWL_TTL_S": "3"}

        async def start(line: str) -> asyncio.subprocess.Process:
            words = shlex.split(line.replace("postgresql://crawl@localhost/crawls", url))
            return await asyncio.create_subprocess_exec(
                CRAWL, *words[1:], cwd=tmp_path, env=environ, start_new_session=True, stderr=asyncio.subprocess.DEVNULL
            )

        first, second = await start(begin), await start(join)
        async with asyncio.timeout(120):
            while len(served.hits) < 40:
                await asyncio.sleep(0.01)
            assert await (await start(look)).wait() == 0
            os.killpg(first.pid, signal.SIGKILL)
            third = await start(again)
            assert (await second.wait(), await third.wait(), await first.wait()) == (0, 0, -signal.SIGKILL)
            assert await (await start(merge)).wait() == 0
        found = [orjson.loads(line)["url"] for line in (tmp_path / "pages.jsonl").read_bytes().splitlines()]
        assert Counter(found) == Counter(served.web.reachable())
        nodes = [read_folder(path.parent, Config()) for path in tmp_path.glob("shop/*/requests.audit")]
        proof = prove_folders(nodes)
        assert proof.is_kept, proof.record()
        assert len(served.hits) <= proof.requests <= len(served.hits) + len(served.web.sites), "each but what was cut"
