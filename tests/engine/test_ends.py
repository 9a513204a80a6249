"""A run that is left at the worst of moments: nothing lost, nothing double, no place and no body kept, and an end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import anyio
import pytest

from crawler.engine.engine import RECORD_BATCH, Engine
from crawler.engine.slots import Places
from crawler.frontier import open_memory
from crawler.metrics.metrics import Ending, Summary
from crawler.model import Disposition, Lease, Outcome, Position, Reason, Request, Response, Url
from crawler.protocols import Frontier
from tests.defaults import make_limits, make_terms

WAYS = ["abort", "cancel", "stop"]


@dataclass
class Gate:
    """Holds whoever comes by, once it is shut, and tells that somebody is held."""

    is_shut: bool = True
    held: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_by(self) -> None:
        if self.is_shut:
            self.held.set()
            await self.opened.wait()

    def open(self) -> None:
        self.is_shut = False
        self.opened.set()


class Gated:
    """A frontier in front of which one may be held, before or after it did what it was asked."""

    def __init__(self, frontier: Frontier, **gates: Gate) -> None:
        self._frontier = frontier
        self._gates = gates

    def __getattr__(self, name: str) -> Any:
        return getattr(self._frontier, name)

    async def _pass(self, place: str) -> None:
        if gate := self._gates.get(place):
            await gate.pass_by()

    async def lease(self, limit: int) -> Sequence[Lease]:
        if self._frontier.counts().queued:
            await self._pass("before_lease")
        leases = await self._frontier.lease(limit)
        if leases:
            await self._pass("after_lease")
        return leases

    async def release(self, leases: Sequence[Lease]) -> None:
        await anyio.lowlevel.checkpoint()  # somebody who was cancelled comes no further
        await self._frontier.release(leases)

    async def settle(self, outcomes: Sequence[Outcome], positions: Any) -> None:
        assert outcomes, "there is nothing to settle"
        await self._pass("before_settle")
        await self._frontier.settle(outcomes, positions)
        await self._pass("after_settle")


class ListSink:
    name = "list"

    def __init__(self, gate: Gate | None = None) -> None:
        self.got: list[str] = []
        self._gate = gate

    async def rewind(self, position: Position | None) -> None: ...

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        if self._gate:
            await self._gate.pass_by()
        self.got.extend(outcome.url.text for outcome in outcomes)
        return {"list": len(self.got)}


async def seeds(n: int) -> AsyncIterator[Sequence[Request]]:
    yield [Request(Url(f"http://h{i}.test/")) for i in range(n)]


async def fetched(lease: Lease) -> Outcome:
    await anyio.lowlevel.checkpoint()
    return Outcome(lease, Disposition.FETCHED)


@pytest.fixture
async def frontier() -> AsyncIterator[Frontier]:
    async with open_memory(make_terms()) as opened:
        yield opened


@dataclass
class Counted:
    give_back: Callable[[], None]


@dataclass
class Run:
    """A run in a task of its own, to be left."""

    engine: Engine
    released: Counter[str] = field(default_factory=Counter)
    summary: Summary | None = None

    def __post_init__(self) -> None:
        visit = self.engine.visit

        async def visit_and_count(lease: Lease) -> Outcome:
            """Gives each outcome a response that counts how often it is released."""
            outcome, url = await visit(lease), lease.request.url
            share = Counted(partial(self.released.update, [url.text]))
            return replace(outcome, response=Response(url, 200, (), share=share))

        self.engine.visit = visit_and_count

    async def leave(self, how: str, n: int, when: Callable[[], Awaitable[object]], then: Callable[[], None]) -> None:
        """Begin, wait for a moment, leave in one of the ways, do what ends that moment, and wait for the end."""
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._run, n)
                await when()
                {"abort": self.engine.abort, "cancel": tasks.cancel_scope.cancel, "stop": self.engine.stop}[how]()
                with anyio.CancelScope(shield=True):
                    await turns(50)  # the run comes as far as it can
                    then()

    async def _run(self, n: int) -> None:
        self.summary = await self.engine.run(seeds(n))


async def go_on(frontier: Frontier, sink: ListSink, n: int) -> None:
    """The rest, by another run: then everything is in the output, and once."""
    counts = frontier.counts()
    assert counts.leased == 0
    assert counts.queued + len(sink.got) == n, "something is lost, or counts twice"
    with anyio.fail_after(20):
        await Engine(frontier, fetched, [sink], make_limits()).run(seeds(0))
    assert Counter(sink.got) == Counter(f"http://h{i}.test/" for i in range(n))


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("where", ["before_lease", "after_lease"])
async def test_who_leaves_in_the_middle_of_a_lease_loses_nothing(frontier: Frontier, where: str, how: str) -> None:
    gate, sink, places = Gate(), ListSink(), Places(8)
    engine = Engine(Gated(frontier, **{where: gate}), fetched, [sink], make_limits(concurrency=5), seat=places.seat())
    await Run(engine).leave(how, 20, gate.held.wait, gate.open)
    assert (sink.got, frontier.counts().queued, places.taken) == ([], 20, 0)
    await go_on(frontier, sink, 20)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("where", ["before_settle", "after_settle", "sink"])
async def test_who_leaves_in_the_middle_of_a_settle_has_all_of_it_settled(
    frontier: Frontier, where: str, how: str
) -> None:
    gate, places = Gate(), Places(8)
    sink = ListSink(gate if where == "sink" else None)
    gates = {} if where == "sink" else {where: gate}
    engine = Engine(Gated(frontier, **gates), fetched, [sink], make_limits(concurrency=5), seat=places.seat())
    run = Run(engine)
    await run.leave(how, 20, gate.held.wait, gate.open)
    assert sink.got, "what was being stored is stored"
    assert frontier.counts().settled == {Disposition.FETCHED: len(sink.got)}
    assert places.taken == 0
    assert set(run.released.values()) == {1}
    assert set(sink.got) <= set(run.released)
    await go_on(frontier, sink, 20)


@pytest.mark.parametrize("how", WAYS)
async def test_what_is_done_when_a_run_is_left_is_recorded(frontier: Frontier, how: str) -> None:
    """Outcomes that wait for the recorder are pages that were fetched; only who cancels has them fetched again."""
    gate = Gate()
    sink = ListSink(gate)
    made = Counter[str]()

    async def visit(lease: Lease) -> Outcome:
        if made:
            await gate.held.wait()
        made[lease.request.url.text] += 1
        return await fetched(lease)

    engine = Engine(frontier, visit, [sink], make_limits(concurrency=10))
    run = Run(engine)
    await run.leave(how, 10, lambda: until(lambda: len(made) == 10 and len(engine._outcomes) > 0), gate.open)
    assert len(sink.got) == (1 if how == "cancel" else 10)
    assert run.released == made
    await go_on(frontier, sink, 10)


@pytest.mark.parametrize("where", ["before_settle", "after_settle", "sink"])
async def test_seeds_that_fail_in_the_middle_of_a_settle_leave_it_whole(frontier: Frontier, where: str) -> None:
    """What waits for the recorder meanwhile is given back, and given back once."""
    gate, places, made = Gate(), Places(8), Counter[str]()
    sink = ListSink(gate if where == "sink" else None)
    gates = {} if where == "sink" else {where: gate}

    async def visit(lease: Lease) -> Outcome:
        if made:
            await gate.held.wait()
        made[lease.request.url.text] += 1
        return await fetched(lease)

    engine = Engine(Gated(frontier, **gates), visit, [sink], make_limits(concurrency=5), seat=places.seat())

    async def broken() -> AsyncIterator[Sequence[Request]]:
        async for batch in seeds(20):
            yield batch
        await until(lambda: len(engine._outcomes) == 4)
        raise OSError("the list is gone")

    async def open_later() -> None:
        await gate.held.wait()
        await until(lambda: len(engine._outcomes) == 4)
        await turns(50)
        gate.open()

    later = asyncio.create_task(open_later())
    with anyio.fail_after(20), pytest.raises(BaseExceptionGroup) as caught:
        await engine.run(broken())
    await later
    assert caught.group_contains(OSError, match="the list is gone")
    assert not caught.group_contains(AssertionError)
    assert (len(sink.got), places.taken) == (1, 0)
    await go_on(frontier, sink, 20)


@pytest.mark.parametrize("how", ["abort", "cancel"])
async def test_a_sink_that_fails_as_a_run_is_left_gives_back_what_it_did_not_store(
    frontier: Frontier, how: str
) -> None:
    gate = Gate()

    async def fail() -> None:
        await gate.pass_by()
        raise OSError("disk full")

    class Full(ListSink):
        async def write(self, outcomes: Sequence[Outcome]) -> Position:
            await fail()
            raise AssertionError

    places = Places(8)
    engine = Engine(frontier, fetched, [Full()], make_limits(concurrency=5), seat=places.seat())
    with pytest.raises(BaseExceptionGroup) as caught:
        await Run(engine).leave(how, 20, gate.held.wait, gate.open)
    assert caught.group_contains(OSError, match="disk full")
    assert (frontier.counts().leased, frontier.counts().queued, places.taken) == (0, 20, 0)


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def until(claim: Callable[[], bool]) -> None:
    while not claim():  # a turn of the loop at a time: nothing announces this
        await asyncio.sleep(0)


async def test_bodies_of_outcomes_that_found_no_room_are_let_go(frontier: Frontier) -> None:
    gate, n = Gate(), 2 * RECORD_BATCH
    sink = ListSink(gate)
    made = Counter[str]()

    async def visit(lease: Lease) -> Outcome:
        outcome = await fetched(lease)
        made[lease.request.url.text] += 1
        return outcome

    engine = Engine(frontier, visit, [sink], make_limits(concurrency=n))
    run = Run(engine)
    await run.leave(
        "abort", n, lambda: until(lambda: len(engine._outcomes) >= RECORD_BATCH and len(made) == n), gate.open
    )
    assert run.released == made
    assert len(sink.got) < n
    await go_on(frontier, sink, n)


async def test_bodies_that_wait_for_a_recorder_that_failed_are_let_go(frontier: Frontier) -> None:
    gate, made = Gate(), Counter[str]()

    class Full(ListSink):
        async def write(self, outcomes: Sequence[Outcome]) -> Position:
            await gate.pass_by()
            raise OSError("disk full")

    async def visit(lease: Lease) -> Outcome:
        if made:
            await gate.held.wait()
        made[lease.request.url.text] += 1
        return await fetched(lease)

    engine = Engine(frontier, visit, [Full()], make_limits(concurrency=10))
    run = Run(engine)
    with pytest.raises(BaseExceptionGroup):
        await run.leave("abort", 10, lambda: until(lambda: len(engine._outcomes) == 9), gate.open)
    assert set(run.released.values()) == {1}
    assert len(run.released) == 10


@pytest.mark.parametrize("first", ["stop", "limit"])
async def test_an_abort_overrules_a_stop(frontier: Frontier, first: str) -> None:
    gate = Gate()
    engine = Engine(frontier, lambda lease: hold(lease, gate), [ListSink()], make_limits(concurrency=3, grace_s=1e6))
    run = Run(engine)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run._run, 5)
            await gate.held.wait()
            engine.stop(Ending.STOPPED if first == "stop" else Ending.PAGE_LIMIT)
            await anyio.wait_all_tasks_blocked()
            assert run.summary is None, "the visits in hand have time"
            engine.abort()
    assert run.summary is not None
    assert run.summary.ended is Ending.ABORTED
    assert (frontier.counts().leased, frontier.counts().queued) == (0, 5)


async def hold(lease: Lease, gate: Gate) -> Outcome:
    await gate.pass_by()
    return Outcome(lease, Disposition.FAILED, Reason.CONNECT)


@pytest.mark.parametrize(("how", "asked"), [("abort", 0), ("stop", 1), ("nothing", 2)])
async def test_who_aborts_is_not_asked_whether_more_is_left(frontier: Frontier, how: str, asked: int) -> None:
    """When nothing is left, and again before a run ends in order."""
    times, gate = 0, Gate()

    async def look_again() -> int:
        nonlocal times
        times += 1
        return 0

    engine = Engine(frontier, lambda lease: hold(lease, gate), [ListSink()], make_limits(), look_again=look_again)
    if how == "nothing":
        gate.open()
        await Run(engine)._run(3)
    else:
        await Run(engine).leave(how, 3, gate.held.wait, gate.open)
    assert times == asked


@pytest.mark.slow
async def test_a_frontier_that_never_takes_leases_back_does_not_hold_up_the_end(frontier: Frontier) -> None:
    gate = Gate()

    class Deaf(Gated):
        async def release(self, leases: Sequence[Lease]) -> None:
            await anyio.sleep_forever()

    engine = Engine(Deaf(frontier), lambda lease: hold(lease, gate), [ListSink()], make_limits())
    await Run(engine).leave("abort", 3, gate.held.wait, gate.open)
