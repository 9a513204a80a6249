"""Sinks write side by side: none waits for another one, and one that fails keeps no other from finishing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import Capture, Config, Outcome, Position, SinkError
from crawler.settings.loading import amend
from crawler.testing import Site, Web, failing, html, open_web

QUICK: dict[str, Any] = {"delay_s": 0, "allow_networks": ["127.0.0.0/8"], "executor": "inline", "durability": "process"}


class Noted:
    """A sink that waits some turns of the loop before it has written, and notes when it begins and ends."""

    def __init__(self, name: str, events: list[str], error: type[Exception] | None = None) -> None:
        self.name = name
        self._events, self._error = events, error

    async def rewind(self, position: Position | None) -> None:
        self._events.append(f"{self.name} rewinds to {position}")

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        self._events.append(f"{self.name} begins")
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
            if self._error:
                self._events.append(f"{self.name} fails")
                raise self._error(self.name)
        self._events.append(f"{self.name} ends")
        return {"n": len(outcomes)}


def page() -> Web:
    return Web([Site("a.test", {"/": html("A")})])


async def test_two_slow_sinks_overlap() -> None:
    events: list[str] = []
    async with open_web(page()) as served:
        await crawler.crawl(served.seeds, sinks=[Noted("a", events), Noted("b", events)], **QUICK)
    assert events == ["a rewinds to None", "b rewinds to None", "a begins", "b begins", "a ends", "b ends"]


@pytest.mark.parametrize("error", [SinkError, ValueError])
async def test_a_sink_that_fails_ends_the_run_when_the_others_have_written(error: type[Exception]) -> None:
    events: list[str] = []
    sinks = [Noted("a", events, error), Noted("b", events)]
    async with open_web(page()) as served:
        with pytest.raises(error, match=r"^a$"):
            await crawler.crawl(served.seeds, sinks=sinks, **QUICK)
    assert events[2:] == ["a begins", "b begins", "a fails", "b ends"]


async def test_of_two_errors_one_of_ours_is_raised() -> None:
    sinks = [Noted("a", [], ValueError), Noted("b", [], SinkError)]
    async with open_web(page()) as served:
        with pytest.raises(SinkError, match=r"^b$"):
            await crawler.crawl(served.seeds, sinks=sinks, **QUICK)


async def test_what_was_written_beside_a_sink_that_failed_is_cut_off_and_written_once(tmp_path: Path) -> None:
    config = amend(Config(), {**QUICK, "sinks": [{"path": "a.jsonl"}, {"path": "b.jsonl"}]})
    async with open_web(page()) as served:
        with pytest.raises(SinkError):
            await crawler.crawl(served.seeds, config, folder=tmp_path, sinks=[Noted("c", [], SinkError)])
        assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 1  # written, and not settled
        await crawler.crawl((), folder=tmp_path)
        for name in ("a.jsonl", "b.jsonl"):
            records = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
            assert [(record["url"], record["visit"]) for record in records] == [(served.seeds[0], 1)]


class Keeping(Noted):
    """An archive: it gets every attempt before any sink writes, and says where it put each."""

    def __init__(self, events: list[str]) -> None:
        super().__init__("kept", events)

    async def archive(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        self._events += [f"{one.url.path} {one.disposition}" for one in outcomes if one.response]
        return [
            replace(one, capture=Capture("x", one.request.attempt, 1) if one.response else None) for one in outcomes
        ]


async def test_an_archive_gets_each_attempt_and_the_others_the_places_of_final_ones() -> None:
    events: list[str] = []
    seen: list[Outcome] = []

    class Records(Noted):
        async def write(self, outcomes: Sequence[Outcome]) -> Position:
            seen.extend(outcomes)
            return {}

    web = Web([Site("a.test", {"/": failing(html("A"), times=2)})])
    async with open_web(web) as served:
        sinks = [Records("records", events), Keeping(events)]
        await crawler.crawl(served.seeds, sinks=sinks, retry_delay_s=0.01, **QUICK)
    placed = [one for one in events if one.startswith("/")]
    assert placed == ["/ deferred", "/ deferred", "/ fetched"]
    assert [one.capture and one.capture.offset for one in seen] == [3]
    assert events.count("kept ends") >= 3, "its position is settled with each batch"
