"""`offload.executor = "auto"`: what may leave the worker processes, and that it does where that is cheaper."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import crawler
from crawler.errors import OffloadError
from crawler.model import Disposition, Reason, Url
from crawler.offload import open_auto
from crawler.offload.auto import find_kind
from crawler.offload.choice import Place
from crawler.offload.metering import AGAIN_S, MEASURED, SKIPPED, Clock, Clocks, Meter, Steps, read_clocks
from crawler.offload.timing import Timed
from crawler.parse import Document, parse
from crawler.robots import _decode_and_parse
from crawler.testing import link_graph, open_web
from tests.defaults import make_job, make_scope, make_workers

HERE = Url("http://a.test/")
JOB = make_job(key=b"k" * 16, run=b"", bounds=make_scope("any"))
PAGE = Document(HERE, b"<title>t</title>" + b"<p>some words of a page</p>" * 70, "text/html", anchor=HERE)
PACKED = replace(PAGE, body=gzip.compress(PAGE.body), content_encoding="gzip")
UNPLAIN = {
    "packed": (PACKED, JOB),
    "for a function of the user's": (PAGE, replace(JOB, extract=repr)),
    "suspect": (replace(PAGE, is_suspect=True), JOB),
}


@pytest.mark.parametrize(
    ("size", "places"),
    [
        (1, "inline thread process"),
        ((16 << 10) - 1, "inline thread process"),
        (16 << 10, "thread process"),
        ((64 << 10) - 1, "thread process"),
        (64 << 10, "process"),
        (5 << 20, "process"),
    ],
)
def test_a_plain_page_may_be_read_here_up_to_a_size(size: int, places: str) -> None:
    document = replace(PAGE, body=b"x" * size)
    assert " ".join(find_kind(parse, (document, JOB), size).find_places()) == places


@pytest.mark.parametrize("name", UNPLAIN)
def test_whatever_may_take_any_time_stays_in_worker_processes(name: str) -> None:
    assert find_kind(parse, UNPLAIN[name], 100).find_places() == (Place.PROCESS,)


@pytest.mark.parametrize("work", [_decode_and_parse, os.getpid])
def test_other_work_stays_in_worker_processes(work: Callable[..., object]) -> None:
    assert find_kind(work, (), 100).find_places() == (Place.PROCESS,)


async def test_plain_pages_leave_the_processes_once_all_places_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.offload.auto.FIRST_REVIEW_S", 0.0)
    async with open_auto(make_workers(count=1)) as auto:
        auto.cores, lane = 1, auto.lane()  # with more, it depends on how busy this process is
        for _ in range(400):
            pages = [lane.run(parse, one, JOB, size=len(PAGE.body)) for one in (PAGE, PACKED) for _ in range(4)]
            assert {page.title for page in await asyncio.gather(*pages)} == {"t"}
            found = {one.work: one for one in auto.costs()}
            if len(found) == 2 and len(found["parse"].cpu_ms) == 3 and found["parse"].place != "process":
                break
        plain, packed = found["parse"], found["unpack and parse"]
        assert plain.place in ("inline", "thread")
        assert set(plain.cpu_ms) == {"inline", "thread", "process"}
        assert plain.cpu_ms["inline"] < plain.cpu_ms["thread"] < plain.cpu_ms["process"]
        assert (packed.place, set(packed.cpu_ms)) == ("process", {"process"})
        assert plain.below_bytes == 2048
        assert plain.calls >= 100


async def test_a_crawl_reads_all_its_pages_wherever_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.offload.auto.FIRST_REVIEW_S", 0.0)
    quick: dict[str, Any] = {"delay_s": 0, "allow_networks": ["127.0.0.0/8"], "workers": 1, "inline_below_bytes": 0}
    async with open_web(link_graph(sites=2, pages_per_site=200, median_bytes=3000)) as served:
        async with crawler.open_crawl(executor="auto", traps="warn", **quick) as crawl:
            summary = await crawl.run(served.seeds)
            work = [one for one in crawl.snapshot().work if one.work == "parse"]
    assert (summary.pages, summary.dispositions) == (400, {Disposition.FETCHED: 400})
    assert {place for one in work for place in one.cpu_ms} >= {"inline", "process"}
    assert all(one.cpu_ms["inline"] < one.cpu_ms["process"] for one in work if len(one.cpu_ms) > 1)


async def test_a_worker_that_dies_of_a_measured_call_costs_that_call() -> None:
    async with open_auto(make_workers(count=1)) as auto:
        with pytest.raises(OffloadError) as died:
            await auto.run(os.kill, 0, signal.SIGKILL)
        assert died.value.reason is Reason.PARSE_CRASH
        assert await auto.run(os.getpid) != os.getpid()


async def test_pages_that_come_together_do_not_hold_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.offload.auto.FIRST_REVIEW_S", 1e9)
    monkeypatch.setattr("crawler.offload.auto.TURN_S", 0.0)
    async with open_auto(make_workers(count=1)) as auto:
        await auto.run(parse, PAGE, JOB, size=len(PAGE.body))
        (choice,) = auto._choices.values()
        choice.place = Place.INLINE
        await asyncio.gather(*[auto.run(parse, PAGE, JOB, size=len(PAGE.body)) for _ in range(5)])
        meters = auto.meters.values()
        assert sum(meter.served for meter in meters) == 5, "one on the loop a turn, the others elsewhere"


def test_a_process_that_waits_for_a_core_is_as_busy_as_one_that_has_it() -> None:
    then = Clocks(now=10.0, process_s=1.0, wanted_s=5.0)
    assert Clocks(12.0, 1.5, 5.4).find_busy(then) == 0.25
    assert Clocks(12.0, 1.5, 6.8).find_busy(then) == pytest.approx(0.9)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_the_clocks_tell_of_the_time_that_this_thread_wanted() -> None:
    then, begun = read_clocks(), time.thread_time()
    while time.thread_time() < begun + 0.02:
        sum(range(1000))
    assert read_clocks().wanted_s - then.wanted_s >= 0.01


def test_one_call_in_sixteen_is_measured() -> None:
    meter = Meter(Place.PROCESS)
    measured = [meter.wants_call(0.0) for _ in range(3 * (MEASURED + SKIPPED))]
    assert sum(measured) == 3 * MEASURED
    assert all(measured[:MEASURED])
    assert not any(measured[MEASURED:SKIPPED])


def test_calls_that_raise_leave_the_others_measured() -> None:
    meter = Meter(Place.PROCESS)
    for number in range(MEASURED):
        assert meter.wants_call(0.0)
        meter.served += 1
        meter.lose() if number % 3 == 0 else meter.take(Timed(None, number, number + 0.001, (1, 1)))
    assert meter.cost is not None


def test_rare_calls_are_measured_again_after_a_while() -> None:
    meter = Meter(Place.PROCESS)
    for _ in range(MEASURED):
        meter.wants_call(0.0)
    assert not meter.wants_call(AGAIN_S - 1)
    assert meter.wants_call(AGAIN_S)


async def test_steps_pass_on_results_errors_and_cancellations() -> None:
    clock = Clock()

    async def spin() -> str:
        await asyncio.sleep(0)
        sum(range(20_000))
        return threading.current_thread().name

    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("why")

    assert await Steps(spin(), clock) == threading.main_thread().name
    assert clock.spent_s > 0
    with pytest.raises(KeyError, match="why"):
        await Steps(fail(), clock)
    ended = []

    async def wait() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(True)

    async def measure() -> None:
        await Steps(wait(), clock)

    task = asyncio.create_task(measure())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
