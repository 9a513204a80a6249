"""The door of a frontier: nobody outside knows what stands behind it."""

import ast
import re

from crawler.frontier_protocols import DurableFrontier, Frontier, Look
from crawler.settings.kinds import check_shape
from tests.committed import ROOT
from tests.frontier.conftest import HandClock, Open, fetched, lend_one, pages

INSIDE = (
    ROOT / "crawler/frontier", ROOT / "crawler/assembly", ROOT / "crawler/backends", ROOT / "crawler/loops",
    ROOT / "crawler/api/one_loop.py", ROOT / "benchmarks/fleet_nodes.py",
)  # fmt: skip
"""Rooms that open frontiers, or divide one among event loops and machines."""
CONCRETE = re.compile(r"\b(?!Durable)[A-Z]\w*Frontier\b")
"""Names such as MemoryFrontier: the door itself is called Frontier, and its second part DurableFrontier."""


def test_nobody_outside_imports_a_frontier_but_its_door_and_its_openers() -> None:
    files = [file for room in ("crawler", "cli", "benchmarks") for file in (ROOT / room).rglob("*.py")]
    outside = [file for file in files if not any(file.is_relative_to(room) for room in INSIDE)]
    found = [
        (file.relative_to(ROOT).as_posix(), alias.name)
        for file in outside
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if CONCRETE.fullmatch(alias.name)
    ]
    assert len(outside) > 200
    assert found == []


def test_nobody_at_all_asks_which_frontier_it_is() -> None:
    asked = re.compile(r"(?:isinstance|type)\([^)]*[Ff]rontier(?!Error)")
    files = [
        file for room in ("crawler", "cli", "benchmarks", "tests/frontier") for file in (ROOT / room).rglob("*.py")
    ]
    assert [file.name for file in files if asked.search(file.read_text())] == []


async def test_every_frontier_has_the_whole_door(open_frontier: Open) -> None:
    async with open_frontier() as frontier:
        check_shape(frontier, Frontier, "of ours", "frontier.kind")
        if frontier.durable is not None:
            check_shape(frontier.durable, DurableFrontier, "of ours", "frontier.kind")
            await frontier.durable.ask(lambda look: check_shape(look, Look, "of ours", "frontier.kind"))


async def test_only_a_durable_frontier_knows_anything_the_next_time(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier() as frontier:
        await frontier.add(pages("a", 1, 2))
        await frontier.settle([fetched(await lend_one(frontier), clock)], {"jsonl": {"pages.jsonl": 7}})
        await frontier.note("bounds", {"max_depth": 1})
    async with open_frontier() as frontier:
        is_durable = frontier.durable is not None
        assert (frontier.counts().known, frontier.counts().queued) == ((2, 1) if is_durable else (0, 0))
        assert await frontier.positions() == ({"jsonl": {"pages.jsonl": 7}} if is_durable else {})
        assert await frontier.notes() == ({"bounds": {"max_depth": 1}} if is_durable else {})
        if frontier.durable is not None:
            roots = await frontier.durable.roots(0, 9)
            assert [root.url.text for root in roots] == ["http://a/1", "http://a/2"]
            assert await frontier.durable.roots(roots[0].row, 9) == roots[1:]
            assert frontier.durable.owed == {}
