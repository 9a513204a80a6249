"""What counts in memory is on the disk already; what could not be written never counted."""

from __future__ import annotations

import asyncio
import sqlite3
from asyncio import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from crawler.daemon import Event, NoSuchJob, State, StoreError
from crawler.daemon.events import Events
from crawler.daemon.jobs.job import Ids, Record
from crawler.daemon.jobs.registry import Draft, Registry
from crawler.daemon.jobs.states import Verb
from crawler.daemon.jobs.store import Change, Store, StoredState, open_store
from crawler.errors import StorageFull


class Disk:
    """A store that writes when it is told to."""

    def __init__(self) -> None:
        self.writing: list[tuple[Change, Future[None]]] = []

    def write(self, change: Change) -> Future[None]:
        done: Future[None] = asyncio.get_running_loop().create_future()
        self.writing.append((change, done))
        return done

    def end(self, error: Exception | None = None) -> None:
        _, done = self.writing.pop(0)
        done.set_exception(error) if error else done.set_result(None)


def registry_on(disk: Disk, events: Events | None = None) -> Registry:
    job = Record("j-1", "j-1", "one", State.QUEUED, 0.0, key="key")
    return Registry(
        cast("Store", disk), StoredState([job], [], 7), Events() if events is None else events, lambda: 100.0
    )


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nothing_counts_before_it_is_written() -> None:
    disk, events = Disk(), Events()
    registry = registry_on(disk, events)
    with events.listening() as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(registry.move, "j-1", Verb.PAUSE, "test")
            await settled()
            assert registry.record("j-1").state is State.QUEUED
            assert registry.in_state(State.PAUSED) == []
            disk.end()
        assert registry.record("j-1").state is State.PAUSED
        assert [record.id for record in registry.in_state(State.PAUSED)] == ["j-1"]
        events.close()
        assert [event.id async for batch in listener for event in batch] == [8]


@pytest.mark.parametrize("error", [StorageFull("no space left"), StoreError("damaged")])
async def test_what_could_not_be_written_never_was(error: Exception) -> None:
    disk, events = Disk(), Events()
    registry = registry_on(disk, events)
    with events.listening() as listener:
        moving = asyncio.ensure_future(registry.move("j-1", Verb.CANCEL, "test"))
        await settled()
        disk.end(error)
        with pytest.raises(type(error)):
            await moving
        assert registry.record("j-1").state is State.QUEUED
        assert registry.last_event == 7
        moving = asyncio.ensure_future(registry.move("j-1", Verb.CANCEL, "test"))
        await settled()
        disk.end()
        await moving
        events.close()
        [told] = [event async for batch in listener for event in batch]
        assert (told.id, told.data["from"], told.data["to"]) == (8, "queued", "cancelled")


async def test_changes_are_decided_one_after_the_other() -> None:
    disk = Disk()
    registry = registry_on(disk)
    raised = asyncio.ensure_future(registry.change(lambda: Draft([replace(registry.record("j-1"), priority=1)])))
    doubled = asyncio.ensure_future(
        registry.change(lambda: Draft([replace(registry.record("j-1"), priority=registry.record("j-1").priority * 2)]))
    )
    for _ in range(2):
        await settled()
        assert len(disk.writing) == 1
        disk.end()
    await asyncio.gather(raised, doubled)
    assert registry.record("j-1").priority == 2


async def test_who_goes_away_meanwhile_changes_nothing_about_it() -> None:
    disk = Disk()
    registry = registry_on(disk)
    moving = asyncio.ensure_future(registry.move("j-1", Verb.PAUSE, "test"))
    await settled()
    moving.cancel()
    await settled()
    disk.end()
    await settled()
    assert registry.record("j-1").state is State.PAUSED
    second = asyncio.ensure_future(registry.move("j-1", Verb.CANCEL, "test"))
    await settled()
    disk.end()
    assert await second


async def test_who_gives_up_waiting_holds_nobody_up() -> None:
    disk = Disk()
    registry = registry_on(disk)
    first, second, third = (
        asyncio.ensure_future(registry.move("j-1", verb, "test")) for verb in (Verb.PAUSE, Verb.CANCEL, Verb.RESUME)
    )
    await settled()
    second.cancel()
    await settled()
    disk.end()
    await settled()
    disk.end()
    assert await first
    assert await third
    assert registry.record("j-1").state is State.QUEUED


async def test_a_refusal_lets_the_next_one_in() -> None:
    disk = Disk()
    registry = registry_on(disk)
    with pytest.raises(NoSuchJob):
        await registry.move("j-2", Verb.PAUSE, "test")
    assert await registry.move("j-1", Verb.RESUME, "test")
    assert disk.writing == [], "nothing changed, so nothing is written"


async def test_a_removed_job_frees_its_key() -> None:
    disk = Disk()
    registry = registry_on(disk)
    assert registry.by_key("key") is not None
    removing = asyncio.ensure_future(registry.change(lambda: Draft(removed=["j-1"])))
    await settled()
    disk.end()
    await removing
    assert registry.by_key("key") is None
    assert len(registry) == 0


def test_ids_sort_by_time_even_when_the_clock_goes_back() -> None:
    ids = Ids()
    made = [ids.next(now) for now in (1000.0, 1000.0, 1001.0, 900.0, 1002.0)]
    assert made == sorted(set(made))
    assert Ids(made[-1]).next(500.0) > made[-1]
    assert {len(one) for one in made} == {16}


async def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "daemon.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        async with open_store(path):
            pass
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        async with open_store(path):
            pass
    assert before


async def test_a_transaction_is_whole_or_not_at_all(tmp_path: Path) -> None:
    async with open_store(tmp_path / "daemon.sqlite") as (store, remembered):
        assert remembered == StoredState([], [], 0)
        event = Event(1, 0.0, None, cast("Any", "note"), {})
        twice = Change([Record("j-1", "f", "n", State.PAUSED, 0.0)], events=[event, event])
        with pytest.raises(StoreError):
            await store.write(twice)
    async with open_store(tmp_path / "daemon.sqlite") as (_, remembered):
        assert remembered.records == []


async def test_events_are_kept_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.daemon.jobs.store.MOST_EVENTS_A_JOB", 3)
    monkeypatch.setattr("crawler.daemon.jobs.store.MOST_LONE_EVENTS", 2)
    async with open_store(tmp_path / "daemon.sqlite") as (store, _):
        note = cast("Any", "note")
        for number in range(1, 7):
            await store.write(Change(events=[Event(number, 0.0, "j-1", note, {})]))
            await store.write(Change(events=[Event(10 + number, 0.0, None, note, {})]))
        assert [event.id for event in await store.events(0, None, 100)] == [4, 5, 6, 15, 16]
        for number in range(1, 4):
            gone = Event(20 + number, 0.0, f"j-{number}", note, {})
            await store.write(Change(removed=[f"j-{number}"], events=[gone]))
        assert [event.id for event in await store.events(0, None, 100)] == [22, 23]
