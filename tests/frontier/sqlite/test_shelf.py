"""A shelf of many sites costs a look no more than a small one, and how many are left is known when it matters."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from crawler.frontier.sqlite import schema, tables
from tests.defaults import make_terms, open_sqlite
from tests.frontier.conftest import HandClock, fetched, request

SITES, IN_MEMORY = 600, 50


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of sites that were on the shelf when it was counted."""
    found: list[int] = []

    class Noting(tables.Tables):
        def _value(self, query: str, *arguments: object) -> object:
            value = super()._value(query, *arguments)
            if query == schema.SHELVED:
                found.append(value)
            return value

    monkeypatch.setattr("crawler.frontier.sqlite.store.Tables", Noting)
    return found


async def test_a_large_shelf_is_counted_now_and_then_and_at_its_end_always(
    tmp_path: Path, clock: HandClock, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "COUNTED_A_LOOK", 60)
    path = tmp_path / "frontier.sqlite"
    visited = 0
    async with open_sqlite(path, make_terms(), clock=clock.both, most_sites=IN_MEMORY) as frontier:
        await frontier.add(request(f"http://s{site}/") for site in range(SITES))
        counted.clear()
        while leases := await frontier.lease(4):
            await frontier.settle([fetched(lease, clock) for lease in leases], {})
            visited += len(leases)
            await asyncio.sleep(0)
        assert frontier.counts().sites == 0
    assert visited == SITES
    assert counted[-1] == 0
    assert sum(counted) < 120 * (SITES // 4), "a look counts about sixty sites, not the whole shelf"
