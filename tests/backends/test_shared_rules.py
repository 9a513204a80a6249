"""Rules of one crawl that hold over all its nodes: the limit of pages, contents that were seen, robots.txt."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson
import pytest

from crawler.testing import Site, Web, html, link_graph
from tests.backends.stories import Crowd, open_crowd
from tests.postgres import Server, open_server, why_not

pytestmark = [
    pytest.mark.slow, pytest.mark.long, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")
]  # fmt: skip
LIMIT = 90


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


async def test_six_nodes_of_which_some_are_killed_fetch_exactly_as_many_pages_as_the_limit_says(
    server: Server, tmp_path: Path
) -> None:
    moments = Random(3)
    web = link_graph(seed=21, sites=14, pages_per_site=14, links_per_page=6)
    async with open_crowd(server, "six", web, tmp_path) as crowd:
        crowd.options += ["--limit", f"{LIMIT}"]
        for _ in range(6):
            await crowd.join()
        for asked in (25, 60):
            await crowd.hits(asked)
            node = moments.choice([node for node in crowd.nodes if node.returncode is None])
            crowd.send(node, signal.SIGKILL)
            await node.wait()
            await crowd.join()
        await crowd.end(killed=2)
        found = await _records(crowd, "--partly")
        assert sum(one["disposition"] == "fetched" for one in found) == LIMIT
        assert max(Counter(one["url"] for one in found).values()) == 1
        crowd.check_politeness()


async def test_a_content_is_recorded_once_whichever_node_finds_it_and_robots_txt_is_asked_for_once_a_site(
    server: Server, tmp_path: Path
) -> None:
    """Each site has a page that is the same on all of them; nobody leaves, so no site changes hands after the start."""
    same = html("The same on all sites", [])
    sites = [
        Site(f"site{number}.test", {"/": html(f"Home {number}", ["/same", *(f"/{n}" for n in range(6))]), "/same": same,
                                    **{f"/{n}": html(f"Page {number}-{n}", []) for n in range(6)}})
        for number in range(10)
    ]  # fmt: skip
    web = Web(sites, [f"http://{site.host}/" for site in sites])
    async with open_crowd(server, "same", web, tmp_path) as crowd:
        for _ in range(3):
            await crowd.join()
        await crowd.end()
        found = await _records(crowd)
        alike = [one for one in found if one["url"].endswith("/same")]
        assert Counter(one["disposition"] for one in alike) == {"fetched": 1, "duplicate": len(sites) - 1}
        [first] = [one["url"] for one in alike if one["disposition"] == "fetched"]
        assert {one["duplicate_of"] for one in alike} - {None} == {first}
        robots = Counter(hit.host for hit in crowd.served.hits if hit.path == "/robots.txt")
        moved = sum(robots.values()) - len(sites)
        assert moved <= len(sites), "a site changes hands once at most, while nodes join"
        crowd.check_politeness()


async def _records(crowd: Crowd, *options: str) -> list[dict[str, str]]:
    code, said = await crowd.command("merge", "NAME", "--engine", crowd.url, "-o", "pages.jsonl", *options)
    assert code == 0, said
    return [orjson.loads(line) for line in (crowd.folder / "pages.jsonl").read_bytes().splitlines()]
