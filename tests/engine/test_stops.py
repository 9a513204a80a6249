"""How a run comes to rest: which ending it tells, who is waited for, and what may still bring more before it ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import anyio
import pytest

from crawler.engine.engine import Engine
from crawler.engine.slots import Places
from crawler.frontier import open_memory
from crawler.metrics.metrics import Ending
from crawler.model import Lease, Outcome, Request, Url
from crawler.protocols import Frontier
from crawler.standing import Counts
from tests.defaults import make_limits, make_terms
from tests.engine.test_ends import Gate, Gated, ListSink, Run, fetched, go_on, hold, seeds, turns, until

NO_END = make_limits(concurrency=5, grace_s=1e6)
"""Whoever waits for the grace time never comes back."""
LATER = Request(Url("http://h0.test/"))


@pytest.fixture
async def frontier() -> AsyncIterator[Frontier]:
    async with open_memory(make_terms()) as opened:
        yield opened


async def none_come() -> AsyncIterator[Sequence[Request]]:
    await anyio.sleep_forever()
    yield []


async def stop_when(held: asyncio.Event, stop: Callable[[], None]) -> None:
    await held.wait()
    stop()


# -- stopped -----------------------------------------------------------------------------------------------------------


async def test_leases_that_come_after_a_stop_go_back_before_the_visits_in_hand_end(frontier: Frontier) -> None:
    visits, lending, places, begun = Gate(), Gate(is_shut=False), Places(8), Counter[str]()
    sink, more = ListSink(), anyio.Event()

    async def visit(lease: Lease) -> Outcome:
        begun[lease.request.url.text] += 1
        await visits.pass_by()
        return await fetched(lease)

    async def in_two_parts() -> AsyncIterator[Sequence[Request]]:
        async for requests in seeds(5):
            yield requests[:2]
            await more.wait()
            yield requests[2:]

    engine = Engine(Gated(frontier, after_lease=lending), visit, [sink], NO_END, seat=places.seat())
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, in_two_parts())
            await until(lambda: len(begun) == 2)
            lending.is_shut = True
            more.set()
            await lending.held.wait()
            lent = (frontier.counts().leased, frontier.counts().queued, places.taken)
            engine.stop()
            lending.open()
            await turns(50)
            left = (frontier.counts().leased, frontier.counts().queued, places.taken)
            visits.open()
    assert (lent, left) == ((5, 0, 5), (2, 3, 2))
    assert Counter(sink.got) == begun
    await go_on(frontier, sink, 5)


@pytest.mark.parametrize("how", ["exhausted", "stop"])
async def test_a_run_ends_with_its_last_visit_and_not_with_the_grace_time(frontier: Frontier, how: str) -> None:
    gate, sink = Gate(), ListSink()

    async def visit(lease: Lease) -> Outcome:
        await gate.pass_by()
        return await fetched(lease)

    run = Run(Engine(frontier, visit, [sink], NO_END))
    if how == "stop":
        await run.leave("stop", 3, gate.held.wait, gate.open)
    else:
        gate.open()
        with anyio.fail_after(20):
            await run._run(3)
    assert len(sink.got) == 3


async def test_a_stop_does_not_wait_for_seeds_that_come_late(frontier: Frontier) -> None:
    engine = Engine(frontier, fetched, [ListSink()], NO_END)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, none_come())
            await anyio.wait_all_tasks_blocked()
            engine.stop()


@pytest.mark.parametrize("first", [Ending.PAGE_LIMIT, Ending.ABORTED])
async def test_the_first_reason_to_stop_is_told(frontier: Frontier, first: Ending) -> None:
    gate = Gate()
    engine = Engine(frontier, lambda lease: hold(lease, gate), [ListSink()], NO_END)
    run = Run(engine)

    def stop_twice() -> None:
        engine.abort() if first is Ending.ABORTED else engine.stop(first)
        engine.stop()
        engine.stop(Ending.SIZE_LIMIT)

    await run.leave("stop", 3, lambda: stop_when(gate.held, stop_twice), gate.open)
    assert run.summary is not None
    assert run.summary.ended is first


@pytest.mark.parametrize("how", ["stop", "pause"])
async def test_a_crawl_that_wants_no_place_any_more_lets_others_have_it(frontier: Frontier, how: str) -> None:
    places, woken = Places(1), Counter[str]()
    holder, next_one = places.seat(), places.seat(weight=0.1)
    next_one.wake = lambda: woken.update(["next"])
    holder.take(1)
    engine = Engine(frontier, fetched, [ListSink()], make_limits(), seat=places.seat())
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, seeds(3))
            await until(lambda: engine.seat.is_refused)
            assert next_one.take(1) == 0
            {"stop": engine.stop, "pause": engine.pause}[how]()
            engine.change(engine.visit, engine.limits)  # news, at which a pause is noticed
            await until(lambda: not engine.seat.is_refused)
            holder.give_back(1)
            assert woken == {"next": 1}
            engine.stop()
            engine.resume()


# -- more on its way ---------------------------------------------------------------------------------------------------


async def test_a_run_waits_for_an_errand_and_visits_what_it_brought(frontier: Frontier) -> None:
    sink, gate = ListSink(), Gate()

    async def bring() -> None:
        await gate.pass_by()
        await frontier.add([LATER])

    engine = Engine(frontier, fetched, [sink], NO_END)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, seeds(0))
            await until(lambda: engine.send(bring))
            await gate.held.wait()
            await anyio.wait_all_tasks_blocked()
            gate.open()
    assert sink.got == [LATER.url.text]


@pytest.mark.parametrize("brings", [True, False])
async def test_a_run_goes_on_when_an_errand_is_done(frontier: Frontier, brings: bool) -> None:
    """Of somebody else's: it announces nothing but its end, whether it brought anything or not."""
    sink, asked = ListSink(), Counter[str]()
    engine = Engine(frontier, fetched, [sink], NO_END, look_again=lambda: note(asked))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            with engine.keep_open():
                tasks.start_soon(engine.run, seeds(0))
                await turns(50)
                assert not asked, "more may come"
                if brings:
                    await frontier.add([LATER])
    assert len(sink.got) == brings


@pytest.mark.parametrize("how", ["found", "sent", "done"])
async def test_what_came_while_a_run_looked_again_is_visited(frontier: Frontier, how: str) -> None:
    """The look itself found it; or an errand began meanwhile; or one began and ended."""
    sink, asked = ListSink(), Counter[str]()

    async def bring() -> None:
        await anyio.lowlevel.checkpoint()
        await frontier.add([LATER])

    async def look_again() -> int:
        asked["times"] += 1
        if asked["times"] > 1:
            return 0
        if how == "sent":
            assert engine.send(bring)
        elif how == "done":
            with engine.keep_open():
                await bring()
        else:
            await bring()
        return int(how == "found")

    engine = Engine(frontier, fetched, [sink], NO_END, look_again=look_again)
    with anyio.fail_after(20):
        summary = await engine.run(seeds(0))
    assert sink.got == [LATER.url.text]
    assert summary.ended is Ending.EXHAUSTED


async def test_only_a_run_that_still_lends_takes_an_errand(frontier: Frontier) -> None:
    gate, done = Gate(), Counter[str]()

    async def errand() -> None:
        done["errands"] += 1

    engine = Engine(frontier, lambda lease: hold(lease, gate), [ListSink()], NO_END)
    assert not engine.send(errand), "it has not begun"

    def send_and_open() -> None:
        assert not engine.send(errand), "visits have the grace time"
        gate.open()

    await Run(engine).leave("stop", 3, gate.held.wait, send_and_open)
    assert not engine.send(errand), "it is over"
    assert not done


async def test_nobody_looks_again_while_a_page_is_being_settled(frontier: Frontier) -> None:
    gate, asked = Gate(), Counter[str]()
    engine = Engine(
        Gated(frontier, after_settle=gate), fetched, [ListSink()], NO_END, look_again=lambda: note(asked)
    )  # fmt: skip
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, seeds(1))
            await gate.held.wait()
            await turns(50)
            before = asked["times"]
            gate.open()
    assert (before, asked["times"]) == (0, 2)


async def test_seeds_that_end_late_and_bring_nothing_end_the_run(frontier: Frontier) -> None:
    gate = Gate()

    async def none_after_all() -> AsyncIterator[Sequence[Request]]:
        await gate.pass_by()
        if gate.is_shut:
            yield []

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Engine(frontier, fetched, [ListSink()], NO_END).run, none_after_all())
            await gate.held.wait()
            await turns(50)
            gate.open()


async def test_a_crawl_that_is_busy_to_its_limit_waits_and_does_not_ask_again_and_again(
    frontier: Frontier,
) -> None:
    gate, asked = Gate(), Counter[str]()

    class Counting(Gated):
        def counts(self) -> Counts:
            asked["times"] += 1
            return frontier.counts()

    visit = partial(hold, gate=gate)
    engine = Engine(Counting(frontier), visit, [ListSink()], make_limits(concurrency=2, pages=100))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, seeds(5))
            await gate.held.wait()
            engine.change(visit, engine.limits)
            await turns(50)
            before = asked["times"]
            await turns(50)
            assert asked["times"] == before
            gate.open()


@pytest.mark.parametrize("what", ["limit", "place"])
async def test_a_crawl_that_is_busy_to_its_limit_goes_on_when_that_rises(frontier: Frontier, what: str) -> None:
    """At once, and not when its next visit ends."""
    gate, places, begun = Gate(), Places(3), Counter[str]()
    others = places.seat()
    if what == "place":
        others.take(2)

    async def visit(lease: Lease) -> Outcome:
        begun[lease.request.url.text] += 1
        return await hold(lease, gate)

    seat = places.seat()
    engine = Engine(frontier, visit, [ListSink()], make_limits(concurrency=3 if what == "place" else 1), seat=seat)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.run, seeds(5))
            await gate.held.wait()
            await turns(50)
            before = len(begun)
            others.give_back(2) if what == "place" else engine.change(visit, make_limits(concurrency=3))
            await turns(50)
            after = len(begun)
            gate.open()
    assert (before, after) == (1, 3)


async def note(asked: Counter[str]) -> int:
    asked["times"] += 1
    return 0
