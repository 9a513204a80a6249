"""The engine over a real memory frontier: every lease ends in one outcome, whatever ends the run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import anyio
import pytest

from crawler.engine.engine import RECORD_LINKS, Engine
from crawler.engine.limits import Limits
from crawler.engine.memory_watch import URL_BYTES
from crawler.frontier import open_memory
from crawler.metrics.metrics import Ending
from crawler.model import Disposition, Lease, Outcome, Position, Reason, Request, Url
from crawler.protocols import Frontier
from tests.defaults import make_limits, make_terms

Visit = Callable[[Lease], Awaitable[Outcome]]


class ListSink:
    """Remembers what it was given; `before` runs ahead of each write."""

    name = "list"

    def __init__(self, before: Callable[[], Awaitable[None]] | None = None) -> None:
        self.got: list[Outcome] = []
        self._before = before

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        await (self._before or anyio.lowlevel.checkpoint)()
        self.got.extend(outcomes)
        return {"list": len(self.got)}

    def urls(self) -> list[str]:
        return [outcome.url.text for outcome in self.got]


async def plant(*batches: Sequence[Request]) -> AsyncIterator[Sequence[Request]]:
    for batch in batches:
        yield batch


def seeds(n: int) -> list[Request]:
    return [Request(Url(f"http://h{i}.test/")) for i in range(n)]


def binary_tree(n: int, size: int = 2000, sites: int = 20) -> tuple[Request, ...]:
    children = (k for k in (2 * n + 1, 2 * n + 2) if k < size)
    return tuple(Request(Url(f"http://h{k % sites}.test/{k}"), depth=1) for k in children)


async def fetched(lease: Lease) -> Outcome:
    await anyio.lowlevel.checkpoint()
    return Outcome(lease, Disposition.FETCHED)


async def never(lease: Lease) -> Outcome:
    await anyio.sleep_forever()
    raise AssertionError


@pytest.fixture
async def frontier() -> AsyncIterator[Frontier]:
    async with open_memory(make_terms()) as opened:
        yield opened


async def test_what_is_settled_at_once_has_bounds_for_the_links_of_a_page_hold_the_loop(
    frontier: Frontier,
) -> None:
    batches: list[list[int]] = []

    class Batches(ListSink):
        async def write(self, outcomes: Sequence[Outcome]) -> Position:
            batches.append([outcome.n_found for outcome in outcomes])
            return await super().write(outcomes)

    async def visit(lease: Lease) -> Outcome:
        links = [Request(Url(f"{lease.request.url}{number}")) for number in range(RECORD_LINKS // 4)]
        return Outcome(lease, Disposition.FETCHED, found=tuple(links if lease.request.url.path == "/" else ()))

    engine = Engine(frontier, visit, [Batches(lambda: anyio.sleep(0.01))], make_limits(concurrency=64, pages=64))
    with anyio.fail_after(30):
        await engine.run(plant(seeds(64)))
    assert sum(map(sum, batches)) == 64 * (RECORD_LINKS // 4)
    assert max(sum(batch[:-1]) for batch in batches) < RECORD_LINKS
    assert max(map(len, batches)) > 1


@pytest.mark.slow
async def test_everything_is_visited_once_and_one_at_a_time_per_site(frontier: Frontier) -> None:
    sink, live, worst = ListSink(), Counter[str](), Counter[str]()

    async def visit(lease: Lease) -> Outcome:
        site = lease.request.url.site
        live[site] += 1
        worst[site] = max(worst[site], live[site])
        await asyncio.sleep(0.0005)
        live[site] -= 1
        n = int(lease.request.url.path[1:])
        if n % 211 == 210:
            raise RuntimeError("a bug in a visit")
        if n % 97 == 96:
            return Outcome(lease, Disposition.FAILED, Reason.CONNECT, found=binary_tree(n))
        return Outcome(lease, Disposition.FETCHED, found=binary_tree(n))

    engine = Engine(frontier, visit, [sink], make_limits(concurrency=64))
    with anyio.fail_after(30):
        summary = await engine.run(plant([Request(Url("http://h0.test/0"))]))
    assert len(sink.urls()) == len(set(sink.urls()))
    assert max(worst.values()) == 1
    assert {outcome.reason for outcome in sink.got} == {None, Reason.CONNECT, Reason.INTERNAL}
    assert summary.ended is Ending.EXHAUSTED
    assert summary.queued == 0
    assert sum(summary.dispositions.values()) == len(sink.got)


async def test_the_page_limit_is_exact_whatever_fails_on_the_way(frontier: Frontier) -> None:
    sink = ListSink()

    async def visit(lease: Lease) -> Outcome:
        await anyio.lowlevel.checkpoint()
        failed = lease.token % 3 == 0
        return Outcome(lease, Disposition.FAILED if failed else Disposition.FETCHED, Reason.DNS if failed else None)

    engine = Engine(frontier, visit, [sink], make_limits(concurrency=50, pages=37))
    with anyio.fail_after(60):
        summary = await engine.run(plant(seeds(200)))
    assert summary.pages == 37
    assert summary.ended is Ending.PAGE_LIMIT
    assert summary.queued == 200 - len(sink.got)


async def test_a_continued_crawl_keeps_to_the_limit_of_its_whole_life(frontier: Frontier) -> None:
    first = await Engine(frontier, fetched, [ListSink()], make_limits(pages=5)).run(plant(seeds(20)))
    again = await Engine(frontier, fetched, [ListSink()], make_limits(pages=5)).run(plant())
    further = await Engine(frontier, fetched, [ListSink()], make_limits(pages=8)).run(plant())
    assert (first.pages, again.pages, further.pages) == (5, 0, 3)


async def test_stop_finishes_what_is_in_hand_and_keeps_the_rest(frontier: Frontier) -> None:
    sink, under_way = ListSink(), anyio.Event()

    async def visit(lease: Lease) -> Outcome:
        under_way.set()
        await asyncio.sleep(0.02)
        return Outcome(lease, Disposition.FETCHED)

    engine = Engine(frontier, visit, [sink], make_limits(concurrency=8))
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, plant(seeds(100)))
            await under_way.wait()
            engine.stop()
    counts = frontier.counts()
    assert counts.leased == 0
    assert counts.queued + len(sink.got) == 100
    assert 1 <= len(sink.got) <= 8


async def test_grace_bounds_a_visit_that_hangs(frontier: Frontier) -> None:
    engine = Engine(frontier, never, [ListSink()], make_limits(concurrency=4, grace_s=0.05))
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, plant(seeds(20)))
            while not frontier.counts().leased:
                await anyio.lowlevel.checkpoint()
            engine.stop()
    assert (frontier.counts().leased, frontier.counts().queued) == (0, 20)


@pytest.mark.parametrize("how", ["abort", "cancel"])
async def test_leaving_now_loses_nothing(frontier: Frontier, how: str) -> None:
    sink = ListSink()
    engine = Engine(frontier, never, [sink], make_limits(concurrency=4))
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, plant(seeds(20)))
            while not frontier.counts().leased:
                await anyio.lowlevel.checkpoint()
            engine.abort() if how == "abort" else tasks.cancel_scope.cancel()
    assert not sink.got
    assert (frontier.counts().leased, frontier.counts().queued) == (0, 20)


async def test_a_sink_that_fails_ends_the_run_and_settles_nothing(frontier: Frontier) -> None:
    async def fail() -> None:
        raise OSError("disk full")

    engine = Engine(frontier, fetched, [ListSink(fail)], make_limits(concurrency=4))
    with anyio.fail_after(60), pytest.raises(BaseExceptionGroup) as caught:
        await engine.run(plant(seeds(20)))
    assert caught.group_contains(OSError, match="disk full")
    assert frontier.counts().queued == 20


@pytest.mark.slow
async def test_a_slow_sink_holds_the_visits_back(frontier: Frontier) -> None:
    visits = 0
    gate = anyio.Event()

    async def visit(lease: Lease) -> Outcome:
        nonlocal visits
        visits += 1
        return await fetched(lease)

    engine = Engine(frontier, visit, [ListSink(gate.wait)], make_limits(concurrency=10))
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, plant(seeds(3000)))
            await anyio.wait_all_tasks_blocked()
            assert visits <= 10  # nothing is lent beyond what may be under way
            gate.set()
    assert visits == 3000


async def test_pause_holds_and_resume_goes_on(frontier: Frontier) -> None:
    engine, sink = None, ListSink()
    engine = Engine(frontier, fetched, [sink], make_limits(concurrency=2))
    engine.pause()
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, plant(seeds(20)))
            await anyio.wait_all_tasks_blocked()
            assert not sink.got
            engine.resume()
    assert len(sink.got) == 20


async def test_a_paused_crawl_can_be_stopped(frontier: Frontier) -> None:
    engine = Engine(frontier, fetched, [ListSink()], make_limits())
    engine.pause()
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, plant(seeds(20)))
            await anyio.wait_all_tasks_blocked()
            engine.stop()
    assert frontier.counts().queued == 20


async def test_the_run_waits_for_seeds_that_come_late(frontier: Frontier) -> None:
    sink, more = ListSink(), anyio.Event()

    async def slowly() -> AsyncIterator[Sequence[Request]]:
        yield seeds(3)
        await more.wait()
        yield seeds(6)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Engine(frontier, fetched, [sink], make_limits()).run, slowly())
            while len(sink.got) < 3:
                await anyio.lowlevel.checkpoint()
            more.set()
    assert len(sink.got) == 6


async def test_seeds_that_cannot_be_read_end_the_run_with_their_error(frontier: Frontier) -> None:
    async def broken() -> AsyncIterator[Sequence[Request]]:
        yield seeds(1)
        raise OSError("the list is gone")

    with anyio.fail_after(60), pytest.raises(BaseExceptionGroup) as caught:
        await Engine(frontier, fetched, [ListSink()], make_limits()).run(broken())
    assert caught.group_contains(OSError, match="the list is gone")


async def test_a_deferred_visit_comes_again_and_is_recorded_once(frontier: Frontier) -> None:
    sink = ListSink()

    async def visit(lease: Lease) -> Outcome:
        if lease.request.attempt < 3:
            return Outcome(lease, Disposition.DEFERRED, Reason.CONNECT, retry_in_s=0.01)
        return await fetched(lease)

    with anyio.fail_after(60):
        summary = await Engine(frontier, visit, [sink], make_limits()).run(plant(seeds(2)))
    assert sorted(outcome.request.attempt for outcome in sink.got) == [3, 3]
    assert summary.dispositions == {Disposition.DEFERRED: 4, Disposition.FETCHED: 2}


@pytest.mark.parametrize(("limits", "ending"), [
    (make_limits(concurrency=2, time_s=0.3), Ending.TIME_LIMIT),
])  # fmt: skip
async def test_a_time_limit_ends_the_run_and_keeps_the_rest(frontier: Frontier, limits: Limits, ending: Ending) -> None:
    async def visit(lease: Lease) -> Outcome:
        await asyncio.sleep(0.05)
        return Outcome(lease, Disposition.FETCHED)

    with anyio.fail_after(60):
        summary = await Engine(frontier, visit, [ListSink()], limits).run(plant(seeds(1000)))
    assert summary.ended is ending
    assert summary.queued == 1000 - summary.pages > 0


@pytest.mark.slow
@pytest.mark.parametrize(("known_bytes", "is_warned"), [(10 * URL_BYTES, True), (1 << 30, False), (0, False)])
async def test_what_is_known_is_warned_of_before_it_outgrows_its_plan(
    frontier: Frontier, caplog: pytest.LogCaptureFixture, known_bytes: int, is_warned: bool
) -> None:
    async def visit(lease: Lease) -> Outcome:
        await asyncio.sleep(0.7)  # until it was looked at twice
        return Outcome(lease, Disposition.FETCHED)

    with caplog.at_level("WARNING"):
        await Engine(frontier, visit, [], make_limits(known_bytes=known_bytes)).run(plant(seeds(20)))
    assert [record.message[:10] for record in caplog.records] == ["known URLs"] * is_warned


async def test_a_url_that_is_lent_anew_while_its_first_outcome_is_settled_ends_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    came_again, sink = anyio.Event(), ListSink()
    async with open_memory(make_terms()) as frontier:
        settle = frontier.settle

        async def settle_slowly(outcomes: Sequence[Outcome], positions: Mapping[str, Position]) -> None:
            await settle(outcomes, positions)
            await came_again.wait()

        async def fail_once(lease: Lease) -> Outcome:
            if lease.request.attempt > 1:
                came_again.set()
                return Outcome(lease, Disposition.FETCHED)
            return Outcome(lease, Disposition.DEFERRED, Reason.CONNECT, retry_in_s=0.0)

        monkeypatch.setattr(frontier, "settle", settle_slowly)
        with anyio.fail_after(60):
            summary = await Engine(frontier, fail_once, [sink], make_limits()).run(plant(seeds(1)))
    assert (summary.ended, len(sink.got)) == (Ending.EXHAUSTED, 1)
