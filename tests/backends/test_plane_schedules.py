"""Schedules on an engine: each time starts one job, though several control planes look, and one dies over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest

from crawler import Config, Engine, FrontierError, open_engine
from crawler.daemon.errors import BadJob, NoSuchJob, Outdated
from crawler.daemon.owners import Rule
from crawler.daemon.plane.schedules import CLAIM_S, PlaneSchedules
from crawler.daemon.schedules.schedule import CatchUp, Overlap, Schedule
from tests.postgres import Server, open_server, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a server")]
SEEDS = ("http://127.0.0.1:9/",)
HOURLY = Schedule(id="", cron="0 * * * *", seeds=SEEDS, name="news")
HOUR_S = 3600.0
RULE = Rule(Config())


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with open_server() as opened:
        yield opened


class Turning:
    """An engine whose time is turned by hand."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._shift_s = 0.0

    async def turn(self, seconds: float) -> None:
        self._shift_s += seconds
        connection = await asyncpg.connect(self.url)
        await connection.execute(
            "CREATE OR REPLACE FUNCTION crawld.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
            f" 'SELECT pg_catalog.clock_timestamp() + make_interval(secs => {self._shift_s})'"
        )
        await connection.close()

    async def jobs(self) -> Sequence[str]:
        return await self.engine.crawls()


@asynccontextmanager
async def open_turning(server: Server, database: str) -> AsyncIterator[Turning]:
    await server.ask(f"CREATE DATABASE {database}")
    url = server.url.rpartition("/")[0] + f"/{database}"
    async with open_engine(url) as engine:
        yield Turning(url, engine)


async def test_each_time_starts_one_job_though_three_control_planes_look_at_once(server: Server) -> None:
    async with (
        open_turning(server, "timed") as timed,
        open_engine(timed.url) as second,
        open_engine(timed.url) as third,
    ):
        planes = [PlaneSchedules(engine, RULE) for engine in (timed.engine, second, third)]
        made = await planes[0].add(HOURLY)
        await asyncio.gather(*(plane.look() for plane in planes))
        assert await timed.jobs() == []
        for number in (1, 2):
            await timed.turn(HOUR_S)
            await asyncio.gather(*(plane.look() for plane in planes * 3))
            jobs = await timed.jobs()
            assert len(jobs) == number
            assert all(job.startswith("news-20") and job.endswith(made.id) for job in jobs)
            [standing] = [one for one in await timed.engine.standings() if one.name == jobs[-1]]
            assert (standing.is_seeded, standing.queued) == (True, 1)
            assert (await planes[1].find(made.id)).said == "started"
            await timed.engine.control(jobs[-1], "stop")  # as if it had ended


class Dying:
    """An engine at which a control plane dies when it begins a job."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def begin(self, name: str, config: Config, seeds: Sequence[str]) -> None:
        raise FrontierError("gone")


async def test_a_job_whose_control_plane_dies_over_it_is_begun_by_another_one(server: Server) -> None:
    async with open_turning(server, "dying") as timed:
        dying, other = PlaneSchedules(cast("Engine", Dying(timed.engine)), RULE), PlaneSchedules(timed.engine, RULE)
        made = await other.add(HOURLY)
        await timed.turn(HOUR_S)
        with pytest.raises(FrontierError):
            await dying.look()
        await other.look()
        assert await timed.jobs() == [], "it may be at it still"
        await timed.turn(CLAIM_S + 1)
        await other.look()
        await other.look()
        [job] = await timed.jobs()
        assert ((await other.find(made.id)).last_job, (await other.find(made.id)).said) == (job, "started")


async def test_overlap_and_missed_times_are_as_a_daemon_has_them(server: Server) -> None:
    async with open_turning(server, "overlap") as timed:
        plane = PlaneSchedules(timed.engine, RULE)
        kinds = {
            word: await plane.add(Schedule(id="", cron="0 * * * *", seeds=SEEDS, overlap=word)) for word in Overlap
        }
        await timed.turn(HOUR_S)
        await plane.look()
        first = {word: (await plane.find(one.id)).last_job or "" for word, one in kinds.items()}
        await timed.turn(HOUR_S)
        await plane.look()
        assert (await plane.find(kinds[Overlap.SKIP].id)).said.startswith("skipped")
        assert (await plane.find(kinds[Overlap.QUEUE].id)).said.startswith("waits")
        new = await plane.find(kinds[Overlap.CANCEL_OLD].id)
        assert new.last_job != first[Overlap.CANCEL_OLD]
        assert (await timed.engine.standing(first[Overlap.CANCEL_OLD])).control == "stop"
        await timed.engine.control(first[Overlap.QUEUE], "stop")
        await plane.look()
        assert (await plane.find(kinds[Overlap.QUEUE].id)).said == "started"
        for one in kinds.values():
            await plane.change(one.id, None, {"catch_up": CatchUp.NEVER})
        await timed.turn(3 * HOUR_S)
        await plane.look()
        assert (await plane.find(kinds[Overlap.SKIP].id)).said.startswith("missed")


async def test_a_schedule_is_changed_removed_and_refused(server: Server) -> None:
    async with open_turning(server, "changed") as timed:
        plane = PlaneSchedules(timed.engine, RULE)
        made = await plane.add(HOURLY)
        changed = await plane.change(made.id, {0}, {"is_enabled": False})
        assert (changed.next_at, changed.revision) == (None, 1)
        with pytest.raises(Outdated):
            await plane.change(made.id, {0}, {"is_enabled": True})
        await timed.turn(2 * HOUR_S)
        await plane.look()
        assert await timed.jobs() == []
        for wrong in ({"cron": "x"}, {"template": "daily"}, {"seeds": ("http://[",)}, {"labels": {"a": "b"}}):
            with pytest.raises(BadJob):
                await plane.change(made.id, None, wrong)
        await plane.remove(made.id, None)
        with pytest.raises(NoSuchJob):
            await plane.find(made.id)
