"""Each time a schedule names brings one job: over restarts, kills, late starts and clocks that jump."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from crawler.daemon import Full, Job, Jobs, NoSuchJob, State
from crawler.daemon.errors import BadJob
from crawler.daemon.schedules import submitter as schedules_room
from crawler.daemon.schedules.schedule import CatchUp, Overlap, Schedule

from ..conftest import Open

ROOT = Path(__file__).parents[3]
HOUR = 3600.0
NOON = 1_800_000_000.0 - 1_800_000_000.0 % HOUR
SEED = "http://127.0.0.1:9/"  # nobody is there: the job is over soon


class Clock:
    """Shows what it is told."""

    def __init__(self) -> None:
        self.now = NOON + 1

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hourly(**more: object) -> Schedule:
    return Schedule("", "0 * * * *", (SEED,), **more)  # type: ignore[arg-type]  # fields by name


async def over(jobs: Jobs) -> Sequence[Job]:
    """All jobs, once none of them is live."""
    with anyio.fail_after(60):
        while any(not job.state.is_over for job in jobs.list()):
            await anyio.sleep(0.01)
    return jobs.list()


async def test_a_job_is_asked_for_when_it_is_due_and_once(open_daemon: Open, clock: Clock) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly(name="news", labels={"team": "a"}))
        assert made.next_at == NOON + HOUR
        await jobs.schedules.look()
        assert jobs.list() == []
        clock.now = NOON + HOUR
        for _ in range(3):
            await jobs.schedules.look()
        [job] = jobs.list()
        assert (job.name, job.labels) == ("news", {"team": "a", "schedule": made.id})
        now = jobs.schedules.find(made.id)
        assert (now.last_job, now.last_at, now.next_at, now.said) == (job.id, NOON + HOUR, NOON + 2 * HOUR, "started")
        [first, *_] = await jobs.history(job.id)
        assert first.data["who"] == made.id


async def test_a_clock_that_jumps_brings_no_second_job(open_daemon: Open, clock: Clock) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly(overlap=Overlap.CANCEL_OLD))
        clock.now = NOON + HOUR
        await jobs.schedules.look()
        clock.now = NOON - 5 * HOUR  # somebody set it back
        await jobs.schedules.look()
        await jobs.schedules.change(made.id, name="other")
        clock.now = NOON + HOUR
        await jobs.schedules.look()
        assert len(jobs.list()) == 1
        clock.now = NOON + 100.5 * HOUR  # and far ahead
        await jobs.schedules.look()
        await jobs.schedules.look()
        assert len(jobs.list()) == 2
        assert jobs.schedules.find(made.id).next_at == NOON + 101 * HOUR


@pytest.mark.parametrize(("catch_up", "jobs_after"), [(CatchUp.ONCE, 1), (CatchUp.NEVER, 0)])
async def test_times_that_were_missed_count_as_one_or_as_none(
    open_daemon: Open, clock: Clock, catch_up: CatchUp, jobs_after: int
) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly(catch_up=catch_up))
    clock.now = NOON + 5.5 * HOUR
    async with open_daemon(now=clock) as jobs:
        await jobs.schedules.look()
        await jobs.schedules.look()
        assert len(jobs.list()) == jobs_after
        now = jobs.schedules.find(made.id)
        assert now.next_at == NOON + 6 * HOUR
        assert now.said in ("started", "missed: the daemon was not running")


@pytest.mark.parametrize(("late_s", "is_started"), [(0.0, True), (90.0, True), (91.0, False)])
async def test_a_schedule_that_catches_nothing_up_starts_what_is_on_time(
    open_daemon: Open, clock: Clock, late_s: float, is_started: bool
) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly(catch_up=CatchUp.NEVER))
        clock.now = NOON + HOUR + late_s
        await jobs.schedules.look()
        now = jobs.schedules.find(made.id)
        assert len(jobs.list()) == is_started
        assert now.last_at == (NOON + HOUR if is_started else None)
        assert now.said == ("started" if is_started else "missed: the daemon was not running")
        await over(jobs)
        clock.now = NOON + 2 * HOUR
        await jobs.schedules.look()
        assert jobs.schedules.find(made.id).last_at == NOON + 2 * HOUR


async def live_job(jobs: Jobs, made: Schedule, clock: Clock) -> Job:
    """The first job of a schedule, paused so that it is not over."""
    clock.now = made.next_at or 0.0
    await jobs.schedules.look()
    [job] = jobs.list()
    return await jobs.resume(job.id) if job.state.is_over else job


async def paused(jobs: Jobs, made: Schedule, clock: Clock) -> Job:
    job = await live_job(jobs, made, clock)
    return await jobs.pause(job.id)


async def test_while_the_old_job_is_not_over_a_time_can_be_left_out(open_daemon: Open, clock: Clock) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly())
        old = await paused(jobs, made, clock)
        clock.now += HOUR
        await jobs.schedules.look()
        assert len(jobs.list()) == 1
        assert jobs.schedules.find(made.id).said == f"skipped: job {old.id} had not ended"


async def test_or_one_job_waits_for_it_however_many_were_due(open_daemon: Open, clock: Clock) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly(overlap=Overlap.QUEUE))
        old = await paused(jobs, made, clock)
        for _ in range(3):
            clock.now += HOUR
            await jobs.schedules.look()
        assert len(jobs.list()) == 1
    async with open_daemon(now=clock) as jobs:
        assert jobs.schedules.find(made.id).waiting == NOON + 2 * HOUR
        await jobs.cancel(old.id)
        await jobs.schedules.look()
        assert len(jobs.list()) == 2
        assert jobs.schedules.find(made.id).waiting is None


async def test_or_the_old_one_is_cancelled(open_daemon: Open, clock: Clock) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly(overlap=Overlap.CANCEL_OLD))
        old = await paused(jobs, made, clock)
        clock.now += HOUR
        await jobs.schedules.look()
        assert jobs.find(old.id).state is State.CANCELLED
        assert len(jobs.list()) == 2


async def test_one_that_is_switched_off_starts_nothing(open_daemon: Open, clock: Clock) -> None:
    async with open_daemon(now=clock) as jobs:
        made = await jobs.schedules.add(hourly(is_enabled=False))
        assert made.next_at is None
        clock.now += 2 * HOUR
        await jobs.schedules.look()
        assert jobs.list() == []
        assert (await jobs.schedules.change(made.id, is_enabled=True)).next_at == NOON + 3 * HOUR


async def test_what_cannot_start_says_so_and_the_next_time_comes(open_daemon: Open, clock: Clock) -> None:
    async with open_daemon(now=clock, max_jobs=1) as jobs:
        first = await jobs.schedules.add(hourly())
        second = await jobs.schedules.add(hourly())
        clock.now += HOUR
        await jobs.schedules.look()
        said = [jobs.schedules.find(one.id).said for one in (first, second)]
        assert said[0] == "started"
        assert said[1].startswith("not started: daemon.max_jobs = 1 is reached")
        assert jobs.schedules.find(second.id).next_at == NOON + 2 * HOUR


async def test_what_cannot_be_used_is_refused_when_it_is_asked_for(
    open_daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_daemon() as jobs:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"cron": "61 * * * *"}, "cron"),
            ({"zone": "Nowhere"}, "zone"),
            ({"seeds": ()}, "seeds"),
            ({"seeds": ("/etc/passwd",)}, "seeds.0"),
            ({"settings": {"dealy_s": 1}}, "settings"),
            ({"template": "none"}, "template"),
        ]
        for wrong, field in cases:
            with pytest.raises(BadJob) as told:
                await jobs.schedules.add(Schedule(**{"id": "", "cron": "0 * * * *", "seeds": (SEED,), **wrong}))
            assert told.value.complaints[0].field in (field, "dealy_s")
        monkeypatch.setattr(schedules_room, "MOST", 1)
        made = await jobs.schedules.add(hourly())
        with pytest.raises(Full):
            await jobs.schedules.add(hourly())
        await jobs.schedules.remove(made.id)
        with pytest.raises(NoSuchJob):
            jobs.schedules.find(made.id)


@pytest.mark.slow
@pytest.mark.parametrize("instant", ["before", "after"])
async def test_killed_between_the_job_and_its_note_the_time_brings_one_job(
    open_daemon: Open, tmp_path: Path, clock: Clock, instant: str
) -> None:
    """Killed right before and right after the schedule's own note of the job that it asked for."""
    script = (
        "import os, sys, anyio; from pathlib import Path\n"
        "from tests.daemon.conftest import BASE\n"
        "from tests.daemon.schedules.test_submitter import hourly\n"
        "from crawler.daemon import DaemonConfig, open_jobs\n"
        "clock = [float(sys.argv[2])]\n"
        "async def main():\n"
        "    async with open_jobs(DaemonConfig(), Path(sys.argv[1]), BASE, now=lambda: clock[0]) as jobs:\n"
        "        made = await jobs.schedules.add(hourly())\n"
        "        keep = jobs.schedules._keep\n"
        "        async def kept(schedule):\n"
        "            if sys.argv[3] == 'after': await keep(schedule)\n"
        "            os.kill(os.getpid(), 9)\n"
        "        jobs.schedules._keep = kept\n"
        "        clock[0] += 3600\n"
        "        await jobs.schedules.look()\n"
        "anyio.run(main)\n"
    )
    ended = await anyio.run_process(
        [sys.executable, "-c", script, str(tmp_path / "data"), str(clock.now), instant],
        cwd=ROOT, check=False, stderr=subprocess.PIPE, env={**os.environ},
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    clock.now += HOUR + 5
    async with open_daemon(now=clock) as jobs:
        await jobs.schedules.look()
        await jobs.schedules.look()
        [job] = jobs.list()
        [made] = jobs.schedules.list()
        assert (made.last_job, made.last_at) == (job.id, NOON + HOUR)
