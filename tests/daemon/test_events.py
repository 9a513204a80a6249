"""Who listens hears everything in order, or hears that he missed something; nobody is waited for."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anyio
import pytest

from crawler.daemon import Event, Kind, Listener, State
from crawler.daemon.events import Events
from crawler.testing import Site, Web, html, open_web

from .conftest import Open, submit, until

PAUSED = {"is_paused": True}


def told(number: int, job: str = "j-1") -> Event:
    return Event(number, 0.0, job, Kind.NOTE, {"n": number})


async def heard(listener: Listener) -> list[int | None]:
    return [event.id async for batch in listener for event in batch]


async def test_events_come_in_order_and_in_batches() -> None:
    events = Events()
    with events.listening() as listener:
        for number in range(3):
            events.tell(told(number))
        batches: list[Sequence[Event]] = []
        async for batch in listener:
            batches.append(batch)
            if len(batches) == 1:
                events.tell(told(3))
                events.close()
    assert [[event.id for event in batch] for batch in batches] == [[0, 1, 2], [3]]
    assert len(events) == 0


async def test_one_who_is_too_slow_is_told_so_and_cut_off() -> None:
    events = Events()
    with events.listening(most_waiting=3) as slow, events.listening() as quick:
        for number in range(5):
            events.tell(told(number))
        events.close()
        [[gap]] = [batch async for batch in slow]
        assert (gap.kind, gap.id) == (Kind.GAP, None)
        assert await heard(quick) == [0, 1, 2, 3, 4]


async def test_one_who_listens_to_a_job_hears_of_no_other() -> None:
    events = Events()
    with events.listening("j-2") as listener:
        events.tell(told(1, "j-1"))
        events.tell(told(2, "j-2"))
        events.close()
        assert await heard(listener) == [2]


async def test_the_line_of_an_event_is_json_and_made_once() -> None:
    event = told(7)
    assert json.loads(event.json) == {"id": 7, "at": 0.0, "job": "j-1", "kind": "note", "data": {"n": 7}}
    assert event.json is event.json


async def test_what_is_replayed_joins_what_is_heard(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        first = await submit(jobs, ["https://a.test/"], **PAUSED)
        with jobs.listen() as listener:
            await jobs.cancel(first.id)
            replayed = await jobs.events(after=0)
            async for batch in listener:
                assert [event.id for event in batch] == [2]
                break
        assert [(event.id, event.data["to"]) for event in replayed] == [(1, "paused"), (2, "cancelled")]
        assert jobs.last_event == 2
    async with open_daemon() as jobs:
        assert [event.json for event in await jobs.events(after=0)] == [event.json for event in replayed]
        assert await jobs.events(after=2) == []
        await jobs.resume(first.id)
        assert [event.id for event in await jobs.events(after=2, limit=1)] == [3]


@pytest.mark.slow
async def test_progress_is_told_and_not_kept(open_daemon: Open) -> None:
    web = Web([Site("a.test", {"/": html("A", ["/1", "/2", "/3"]), **{f"/{n}": html(str(n)) for n in range(1, 4)}})])
    async with open_web(web) as served, open_daemon() as jobs:
        job = await submit(jobs, served.seeds, settings={"delay_s": 0.6, "per_site": 1})
        with jobs.listen(job.id) as listener, anyio.fail_after(30):
            async for batch in listener:
                progress = [event for event in batch if event.kind is Kind.PROGRESS]
                if progress:
                    break
        assert progress[0].id is None
        assert {"pages", "in_flight", "pages_per_s", "bound_by"} <= set(progress[0].data)
        assert jobs.stats(job.id)
        assert jobs.snapshot(job.id) is not None
        await jobs.cancel(job.id)
        await until(jobs, job.id, State.CANCELLED)
        assert not [event for event in await jobs.events(0) if event.kind is Kind.PROGRESS]


async def test_the_history_of_one_job_does_not_grow_without_end(open_daemon: Open) -> None:
    from crawler.daemon.jobs import store

    async with open_daemon() as jobs:
        job = await submit(jobs, ["https://a.test/"], **PAUSED)
        for limit in range(1, 30):
            await jobs.change(job.id, {"limit": limit})
        assert len(await jobs.history(job.id)) == 30 < store.MOST_EVENTS_A_JOB
        await jobs.cancel(job.id)
        await jobs.remove(job.id)
        [removed] = await jobs.events(0)
        assert (removed.job, removed.data["to"]) == (job.id, "removed")
