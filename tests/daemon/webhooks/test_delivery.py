"""The queue of messages for webhooks: in which order, when again, and how many are kept at most."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from typing import Any, cast

import pytest

from crawler.daemon.events import Event, Kind
from crawler.daemon.webhooks import delivery as room
from crawler.daemon.webhooks.delivery import FIRST_S, GIVEN_UP_S, MOST_S, Message, Source, Webhooks
from crawler.model import PostResult

DEAD, GOOD = "https://dead.test/hook", "https://good.test/hook"


class Table:
    """The daemon's database, as far as webhooks need it."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY)")
        room._set_up(self.connection)

    async def do(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        return work(self.connection)

    def put(self, *targets: str, now: float) -> None:
        number = self.connection.execute("SELECT coalesce(max(number), 0) FROM delivery").fetchone()[0]
        rows = [(f"msg_{number + n}", target, "j-1", "{}", now) for n, target in enumerate(targets, 1)]
        room._put(self.connection, rows, 0)

    def due(self, now: float, busy: str = "[]") -> list[str]:
        return [message.id for message in room._due(self.connection, busy, now)]

    def message(self) -> Message:
        [message] = room._due(self.connection, "[]", float("inf"))
        return message


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    with closing(table.connection):
        yield table


def test_messages_of_a_target_come_in_order_and_those_of_a_dead_one_wait_together(table: Table) -> None:
    table.put(DEAD, GOOD, DEAD, now=10.0)
    assert table.due(9.0) == []
    assert table.due(10.0) == ["msg_1", "msg_2", "msg_3"]
    assert table.due(10.0, busy=f'["{DEAD}"]') == ["msg_2"]
    room._put_off(table.connection, _first(table), until=100.0)
    assert table.due(99.0) == ["msg_2"], "both of the dead one's wait"
    table.put(DEAD, GOOD, now=20.0)
    assert table.due(99.0) == ["msg_2", "msg_5"], "and so does a new one"
    assert table.due(100.0) == ["msg_1", "msg_2", "msg_3", "msg_4", "msg_5"]
    assert room._next_due(table.connection, "[]") == 10.0
    assert room._next_due(table.connection, f'["{GOOD}"]') == 100.0
    assert room._next_due(table.connection, f'["{GOOD}", "{DEAD}"]') == float("inf")


def _first(table: Table) -> Message:
    return room._due(table.connection, "[]", float("inf"))[0]


def test_so_many_messages_are_kept_and_the_oldest_go(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 5)
    for _ in range(4):
        table.put(DEAD, DEAD, now=0.0)
    assert table.due(0.0) == ["msg_4", "msg_5", "msg_6", "msg_7", "msg_8"]


class Jobs:
    """Hears what is said of a message that is given up."""

    def __init__(self) -> None:
        self.noted: list[dict[str, object]] = []

    def webhooks(self) -> list[str]:
        return [GOOD]

    def webhook(self, job: str) -> str:
        return GOOD if job == "j-both" else DEAD

    async def note(self, job: str | None, data: dict[str, object]) -> None:
        self.noted.append(data)


def posting(*answers: PostResult) -> Callable[[str, bytes, dict[str, str]], Awaitable[PostResult]]:
    left = list(answers)

    async def post(url: str, body: bytes, fields: dict[str, str]) -> PostResult:
        return left.pop(0)

    return post


def opened(table: Table, jobs: Jobs, clock: list[float], *answers: PostResult) -> Webhooks:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    return Webhooks(
        cast("Any", table), cast("Source", jobs), posting(*answers), lambda: secret, lambda: clock[0]
    )  # fmt: skip


async def test_waits_double_up_to_an_hour_and_end_after_a_day(table: Table) -> None:
    jobs, clock, waits = Jobs(), [0.0], list[float]()
    table.put(DEAD, now=0.0)
    hooks = opened(table, jobs, clock, *[PostResult("HTTP 500")] * 100)
    while not jobs.noted:
        await hooks._tell_in_order([table.message()])
        if not jobs.noted:
            due = room._next_due(table.connection, "[]")
            waits.append(due - clock[0])
            clock[0] = due
    assert waits[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert waits[-1] == max(waits) == MOST_S
    assert sum(waits[:-1]) < GIVEN_UP_S <= sum(waits) == clock[0]
    assert jobs.noted[0]["attempts"] == len(waits) + 1
    assert table.due(float("inf")) == []


async def test_up_to_the_first_that_is_not_taken_they_are_told_in_order(table: Table) -> None:
    jobs = Jobs()
    table.put(GOOD, GOOD, GOOD, now=0.0)
    messages = room._due(table.connection, "[]", 0.0)
    await opened(table, jobs, [0.0], PostResult(), PostResult("HTTP 503"))._tell_in_order(messages)
    assert table.due(float("inf")) == ["msg_2", "msg_3"]
    assert table.due(FIRST_S - 1) == []
    await opened(table, jobs, [0.0], PostResult("HTTP 410", is_final=True), PostResult())._tell_in_order(messages[1:])
    assert table.due(float("inf")) == []
    assert [said["why"] for said in jobs.noted] == ["HTTP 410"]


async def test_an_event_is_told_once_to_each_however_often_it_is_heard(table: Table) -> None:
    hooks = opened(table, Jobs(), [0.0])
    kinds = [("j-1", Kind.STATE), ("j-both", Kind.STATE), ("j-1", Kind.NOTE), (None, Kind.STATE)]
    batch = [Event(number, 0.0, job, kind, {}) for number, (job, kind) in enumerate(kinds, 1)]
    for heard in (batch[:2], batch, batch[1:], [Event(None, 0.0, "j-1", Kind.PROGRESS, {})]):
        await hooks._take(heard)
    told = [(message.target, message.job) for message in room._due(table.connection, "[]", 0.0)]
    assert told == [(GOOD, "j-1"), (DEAD, "j-1"), (GOOD, "j-both"), (GOOD, None)]
    [seen] = table.connection.execute("SELECT event FROM delivery_seen").fetchone()
    assert seen == 4
