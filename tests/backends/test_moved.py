"""A seed that moved leads to a site of another node, which has to follow the links there all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.testing import Site, Web, html, redirect
from tests.backends.stories import open_crowd
from tests.postgres import Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]
SEEDS = 10
PAGES = 4


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


def moved_web() -> Web:
    """Returns a web whose seeds have all moved to other sites, where one page leads to the next."""
    old = [Site(f"old{n}.test", {"/": redirect(f"//new{n}.test/")}) for n in range(SEEDS)]
    book = {f"/{n}" if n else "/": html(f"Page {n}", [f"/{n + 1}"]) for n in range(PAGES)}
    new = [Site(f"new{n}.test", book | {f"/{PAGES}": html(f"The end of {n}")}) for n in range(SEEDS)]
    return Web([*old, *new], [f"http://{site.host}/" for site in old])


async def test_links_are_followed_where_a_seed_of_another_node_moved_to(server: Server, tmp_path: Path) -> None:
    async with open_crowd(server, "moved", moved_web(), tmp_path) as crowd:
        crowd.options += ["--set", "follow_moved_seeds=true"]
        await crowd.join()
        await crowd.join()
        await crowd.end()
        found = await crowd.merge()
        assert len(found) == SEEDS * (PAGES + 2)
        assert set(found.values()) == {1}


async def test_seeds_that_moved_to_another_owner_end_there(server: Server, tmp_path: Path) -> None:
    async with open_crowd(server, "stayed", moved_web(), tmp_path) as crowd:
        await crowd.join()
        await crowd.end()
        found = await crowd.merge()
        assert found.keys() == set(crowd.served.seeds) | {crowd.served.web.url(f"new{n}.test") for n in range(SEEDS)}
