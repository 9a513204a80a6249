"""Ten stories of whatever happens to nodes, server and network, one of each kind first; `make torture` tells more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.torture import EVENTS, KINDS, SEED, events_of, tell_story
from tests.postgres import Server, open_server, why_not

STORIES = range(SEED, SEED + len(KINDS))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")
@pytest.mark.parametrize("seed", STORIES)
async def test_every_page_is_there_once_and_every_node_ends(server: Server, tmp_path: Path, seed: int) -> None:
    told = await tell_story(server, seed, tmp_path)
    assert len(told.events) == EVENTS


def test_ten_stories_have_events_of_all_kinds_and_a_seed_tells_the_same_one_again() -> None:
    assert {events_of(seed)[0] for seed in STORIES} == set(KINDS)
    assert [events_of(seed) for seed in STORIES] == [events_of(seed) for seed in STORIES]
