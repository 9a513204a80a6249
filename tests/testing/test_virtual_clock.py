"""A clock that skips the time in which all only wait: what waits is early by no second, and nothing else is hurried."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler.proving import Proof
from crawler.runtime import clock
from crawler.testing import OpenWeb, Site, VirtualClock, Web, delaying, error, failing, html, silent, slow

LONG_S = 1e6
"""A test that waited for it would never end."""
LOOPBACK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline"}
WORK_S = 0.05
"""Of the machine, so that a loop that skips time had thousands of turns meanwhile."""


def test_what_waits_comes_in_its_order_and_at_its_time(virtual_clock: VirtualClock) -> None:
    came: list[tuple[int, float]] = []

    async def wait(seconds: int) -> None:
        await asyncio.sleep(seconds)
        came.append((seconds, virtual_clock.elapsed_s))

    async def main() -> None:
        await asyncio.gather(*map(wait, (300, 20, int(LONG_S), 1)))

    began = virtual_clock.now
    virtual_clock.run(main())
    assert [seconds for seconds, _ in came] == [1, 20, 300, int(LONG_S)]
    assert all(0 <= late - seconds < 60 for seconds, late in came)
    assert virtual_clock.now - began >= LONG_S


def test_afterwards_the_time_is_that_of_the_machine() -> None:
    with VirtualClock() as opened:
        opened.run(asyncio.sleep(LONG_S))
        assert clock.monotonic() - time.monotonic() > LONG_S - 60
    assert abs(clock.monotonic() - time.monotonic()) < 60
    assert abs(clock.wall() - time.time()) < 60


def test_there_is_one_at_a_time(virtual_clock: VirtualClock) -> None:
    with pytest.raises(RuntimeError, match="one virtual clock at a time"), VirtualClock():
        pass
    virtual_clock.run(asyncio.sleep(LONG_S))  # the first one goes on


async def test_a_test_that_is_a_coroutine_is_told_that_it_may_not_be_one() -> None:
    with pytest.raises(RuntimeError, match="a test that is no coroutine"), VirtualClock():
        pass


# -- nothing is skipped while others work -----------------------------------------------------------------------------


async def in_a_thread() -> None:
    await asyncio.to_thread(time.sleep, WORK_S)


async def in_a_thread_of_anyio() -> None:
    await anyio.to_thread.run_sync(time.sleep, WORK_S)


async def in_a_worker() -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, time.sleep, WORK_S)


async def in_a_child() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"import time; time.sleep({WORK_S}); print('done')", stdout=asyncio.subprocess.PIPE
    )
    assert (await child.communicate())[0] == b"done\n"


async def of_a_server_of_somebody_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer_late, args=(listening,))
        thread.start()
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        assert await reader.read() == b"late"
        writer.close()
        await writer.wait_closed()
        thread.join()


def answer_late(listening: socket.socket) -> None:
    with listening.accept()[0] as connection:
        time.sleep(WORK_S)
        connection.sendall(b"late")


async def of_an_iterable_that_takes_its_time() -> None:
    def items() -> Iterator[str]:
        time.sleep(WORK_S)
        yield "http://127.0.0.1:1/"

    assert (await crawler.crawl(items(), max_attempts=1, **LOOPBACK)).pages == 0


@pytest.mark.parametrize(
    "work",
    [
        in_a_thread,
        in_a_thread_of_anyio,
        in_a_worker,
        in_a_child,
        of_a_server_of_somebody_else,
        of_an_iterable_that_takes_its_time,
    ],
)
def test_no_time_is_skipped_during_the_work(
    virtual_clock: VirtualClock, work: Callable[[], asyncio.Future[None]]
) -> None:
    async def main() -> None:
        ticking = asyncio.create_task(tick())
        async with asyncio.timeout(LONG_S / 100):
            await work()
        ticking.cancel()

    async def tick() -> None:
        while True:
            await asyncio.sleep(10)

    virtual_clock.run(main())


# -- crawls -----------------------------------------------------------------------------------------------------------


def test_a_long_crawl_delay_is_kept_and_takes_no_time(
    fake_web: OpenWeb, crawl_folder: Path, virtual_clock: VirtualClock, assert_polite: Callable[..., Proof]
) -> None:
    pages = {f"/{number}": html(f"Page {number}") for number in range(1, 30)}
    site = fake_web({"/": html("Home", list(pages)), **pages}, robots=delaying(60))
    summary = virtual_clock.run(crawler.crawl(site.seeds, folder=crawl_folder, **LOOPBACK))
    assert summary.pages == 30
    assert 30 * 60 <= virtual_clock.elapsed_s < 31 * 60
    assert 60 <= min(site.gaps("site.test")) <= max(site.gaps("site.test")) < 61
    proof = assert_polite(crawl_folder)
    assert proof.sites[0].least_gap_s is not None
    assert 60 <= proof.sites[0].least_gap_s < 61
    records = [json.loads(line) for line in (crawl_folder / "pages.jsonl").read_text().splitlines()]
    assert len(records) == 30


def test_slow_pages_timeouts_and_retries_come_when_they_should(fake_web: OpenWeb, virtual_clock: VirtualClock) -> None:
    busy = failing(html("Busy"), times=1, by=error(503, retry_after_s=300))
    site = fake_web({
        "/": html("Home", ["/slow", "/silent", "/busy"]), "/slow": slow(html("Slow"), 20), "/silent": silent(),
        "/busy": busy,
    })  # fmt: skip
    outcomes: list[crawler.Outcome] = []

    async def main() -> None:
        async with crawler.stream(site.seeds, timeout_s=30, max_attempts=2, **LOOPBACK) as pages:
            outcomes.extend([outcome async for outcome in pages])

    virtual_clock.run(main())
    found = {outcome.url.path: outcome for outcome in outcomes}
    assert found["/slow"].response is not None
    assert 20_000 <= found["/slow"].response.timings.ttfb < 21_000
    assert found["/silent"].reason is crawler.Reason.TIMEOUT
    assert found["/busy"].disposition is crawler.Disposition.FETCHED
    first, again = (hit.began for hit in site.hits if hit.path == "/busy")
    assert 300 <= again - first < 360


def test_a_time_limit_is_one_of_the_virtual_clock(fake_web: OpenWeb, virtual_clock: VirtualClock) -> None:
    pages = {f"/{number}": html(f"Page {number}") for number in range(1, 50)}
    site = fake_web({"/": html("Home", list(pages)), **pages})
    summary = virtual_clock.run(crawler.crawl(site.seeds, delay_s=10, time_limit_s=95, **LOOPBACK))
    assert summary.ended is crawler.Ending.TIME_LIMIT
    assert 5 <= summary.pages <= 10


async def test_a_test_that_is_a_coroutine_crawls_a_fake_web_in_real_time(fake_web: OpenWeb) -> None:
    site = fake_web({"/": html("Home", ["/a"]), "/a": html("A")})
    summary = await crawler.crawl(site.seeds, delay_s=0, **LOOPBACK)
    assert summary.pages == 2
    assert set(site.counts(robots=False)) == site.web.reachable()


def test_webs_that_cannot_be_served_are_refused(fake_web: OpenWeb) -> None:
    site, other = Site("a.test", {"/": html("A")}), {"/": html("B")}
    for parts, why in (((), "nothing to serve"), ((site, other), "need names"), ((Web([site]), site), "served alone")):
        with pytest.raises(TypeError, match=why):
            fake_web(*parts)
    with pytest.raises(TypeError, match="a Site has a robots"):
        fake_web(site, robots=delaying(1))
