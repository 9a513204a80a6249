"""Outputs that hold less than was settled: what is missing is visited again, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler.errors import SinkError
from crawler.model import Outcome, Position
from crawler.settings import SinkConfig
from crawler.testing import Served, link_graph, open_web

SETTINGS: dict[str, Any] = {
    "delay_s": 0, "per_site": 4, "reach": "any", "allow_networks": ["127.0.0.0/8"], "executor": "inline",
    "durability": "process",
}  # fmt: skip
PAGES = 12

Harm = Callable[[bytes], bytes]


@pytest.fixture
async def web() -> AsyncIterator[Served]:
    async with open_web(link_graph(seed=7, sites=1, pages_per_site=PAGES, links_per_page=5)) as served:
        yield served


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def visits(path: Path) -> Counter[tuple[str, int]]:
    return Counter((record["url"], record["visit"]) for record in records(path))


def zeroed(begin: int, end: int) -> Harm:
    return lambda whole: whole[:begin] + bytes(end - begin) + whole[end:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "lost"),
    [
        (lambda whole: whole[:-1], 1),
        (lambda whole: whole[:-100], 1),
        (lambda whole: whole[: len(whole) // 2], PAGES // 2),
        (lambda whole: whole[:-100] + bytes(100), 1),
        (lambda whole: whole[:-100] + bytes(5000), 1),
        (zeroed(10, 20), 1),
        (lambda whole: zeroed(whole.index(b"\n") - 5, whole.index(b"\n") + 5)(whole), 2),
        (lambda whole: zeroed(0, whole.index(b"\n"))(whole), 1),
    ],
    ids=["newline", "tail", "half", "zeroed-tail", "zeros-behind", "hole", "hole-over-two", "zeroed-line"],
)
async def test_what_a_power_cut_took_is_visited_again_and_nothing_else(
    tmp_path: Path, web: Served, harm: Harm, lost: int
) -> None:
    folder, output = tmp_path / "crawl", tmp_path / "crawl" / "pages.jsonl"
    before = await crawler.crawl(web.seeds, folder=folder, **SETTINGS)
    whole, asked = output.read_bytes(), len(web.hits)
    output.write_bytes(harm(whole))
    summary = await crawler.crawl((), folder=folder, **SETTINGS)
    assert abs(summary.lost_records - lost) <= (lost > 2)  # lines differ in length
    assert summary.pages == summary.lost_records == len(web.hits) - asked - 1  # robots.txt once
    assert summary.counts.settled == before.counts.settled
    assert visits(output) == Counter(dict.fromkeys(visits(output), 1))
    assert len(visits(output)) == PAGES
    kept = set(whole.splitlines()) & set(output.read_bytes().splitlines())
    assert len(kept) == PAGES - summary.lost_records
    assert not (await crawler.crawl((), folder=folder, **SETTINGS)).lost_records


async def test_of_two_outputs_the_one_that_is_whole_gets_nothing_twice(tmp_path: Path, web: Served) -> None:
    class Own:
        """An embedding program's sink, which is no file."""

        name = "own"

        def __init__(self) -> None:
            self.got = Counter[str]()

        async def rewind(self, position: Position | None) -> None:
            pass

        async def write(self, outcomes: Sequence[Outcome]) -> Position:
            self.got.update(outcome.url.text for outcome in outcomes)
            return {"own": sum(self.got.values())}

    folder, own = tmp_path / "crawl", Own()
    sinks = (SinkConfig(path="a.jsonl"), SinkConfig(path="b.jsonl", links=True))
    await crawler.crawl(web.seeds, config=crawler.Config(sinks=sinks), folder=folder, sinks=[own], **SETTINGS)
    whole = (folder / "b.jsonl").read_bytes()
    (folder / "a.jsonl").write_bytes((folder / "a.jsonl").read_bytes()[:-2000])
    async with crawler.open_crawl(folder=folder, sinks=[own], **SETTINGS) as crawl:
        assert crawl.lost.files == ("a.jsonl",)
        assert 1 < crawl.lost.visits < PAGES
    for _ in range(2):  # closed in between, before they were visited
        await crawler.crawl((), folder=folder, sinks=[own], **SETTINGS)
    assert (folder / "b.jsonl").read_bytes() == whole
    assert visits(folder / "a.jsonl") == visits(folder / "b.jsonl")
    assert own.got == Counter(url for url, _ in visits(folder / "b.jsonl"))
    again = {**SETTINGS, "revisit_after_s": 0.0}
    await crawler.crawl((), folder=folder, sinks=[own], **again)
    await crawler.crawl((), folder=folder, sinks=[own], **again)
    assert visits(folder / "a.jsonl") == visits(folder / "b.jsonl")
    assert set(visits(folder / "a.jsonl").values()) == {1}
    assert {number for _, number in visits(folder / "a.jsonl")} == {1, 2, 3}


async def test_of_two_outputs_that_are_short_each_gets_what_it_lacks(tmp_path: Path, web: Served) -> None:
    folder = tmp_path / "crawl"
    sinks = (SinkConfig(path="a.jsonl"), SinkConfig(path="b.jsonl"))
    await crawler.crawl(web.seeds, config=crawler.Config(sinks=sinks), folder=folder, **SETTINGS)
    for name, missing in (("a.jsonl", 3000), ("b.jsonl", 1000)):
        (folder / name).write_bytes((folder / name).read_bytes()[:-missing])
    await crawler.crawl((), folder=folder, **SETTINGS)
    assert visits(folder / "a.jsonl") == visits(folder / "b.jsonl")
    assert set(visits(folder / "a.jsonl").values()) == {1}
    assert len(visits(folder / "a.jsonl")) == PAGES


@pytest.mark.parametrize("left", [None, b"", bytes(100)], ids=["gone", "empty", "zeros"])
async def test_an_output_that_somebody_took_away_is_asked_about(
    tmp_path: Path, web: Served, left: bytes | None
) -> None:
    folder, output = tmp_path / "crawl", tmp_path / "crawl" / "pages.jsonl"
    await crawler.crawl(web.seeds, folder=folder, **SETTINGS)
    output.unlink()
    if left is not None:
        output.write_bytes(left)
    asked = len(web.hits)
    with pytest.raises(SinkError, match=f"records of {PAGES} visits are missing.*crawl repair"):
        await crawler.crawl((), folder=folder, **SETTINGS)
    assert len(web.hits) == asked
    assert (output.read_bytes() if output.exists() else None) == left


async def test_revisits_go_on_from_the_last_visit_that_is_on_record(tmp_path: Path, web: Served) -> None:
    folder, output = tmp_path / "crawl", tmp_path / "crawl" / "pages.jsonl"
    again = {**SETTINGS, "revisit_after_s": 0.0}
    for _ in range(3):
        await crawler.crawl(web.seeds, folder=folder, **again)
    lines = output.read_bytes().splitlines(keepends=True)
    output.write_bytes(b"".join(lines[: PAGES + 3]))  # of the second round little, of the third one nothing
    await crawler.crawl((), folder=folder, **SETTINGS)
    told = visits(output)
    assert set(told.values()) == {1}
    for url in {url for url, _ in told}:
        numbers = sorted(number for other, number in told if other == url)
        assert numbers == [*range(1, len(numbers) + 1)]
        assert len(numbers) >= 2
    last = {record["url"]: record for record in records(output)}
    assert {record["disposition"] for record in last.values()} <= {"fetched", "unchanged"}


async def test_early_records_that_are_missing_are_asked_about(tmp_path: Path, web: Served) -> None:
    """More than a power cut takes is somebody's doing."""
    folder, output = tmp_path / "crawl", tmp_path / "crawl" / "pages.jsonl"
    await crawler.crawl(web.seeds, folder=folder, **SETTINGS)
    with closing(sqlite3.connect(folder / "frontier.sqlite")) as frontier, frontier:
        frontier.execute("UPDATE visit SET visited_at = visited_at - 601 WHERE id < ?", (PAGES,))
    output.write_bytes(output.read_bytes()[:1000])
    with pytest.raises(SinkError, match="has changed"):
        await crawler.crawl((), folder=folder, **SETTINGS)
