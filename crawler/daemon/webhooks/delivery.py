"""Webhooks: delivers changes of jobs' states to URLs, at least once, also over kills."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from functools import partial
from typing import NamedTuple, Protocol

import anyio
import orjson
from anyio.abc import TaskGroup

from ...errors import ConfigError, StorageFull
from ...model import Post, PostResult
from ...runtime.counting import many
from ...runtime.signing import sign
from ..errors import StoreError
from ..events import Event, Kind, Listener
from ..jobs.store import Store

log = logging.getLogger(__name__)

FIRST_S, MOST_S = 5.0, 3600.0
"""Seconds until the second attempt, doubled after each one, and the longest wait."""
GIVEN_UP_S = 86400.0
"""Seconds after which a message is given up."""
MOST_WAITING = 10_000
"""Messages that are stored at most; then the oldest are dropped."""
AT_ONCE = 100
RETRY_S = 5.0
LOOK_S = 60.0
"""Longest time between two looks, so that a jump of the clock is noticed."""
TABLES = """
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, target TEXT NOT NULL, job TEXT, body TEXT NOT NULL,
    made REAL NOT NULL, attempts INT NOT NULL, due REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS delivery_by_due ON delivery (due);
CREATE INDEX IF NOT EXISTS delivery_by_target ON delivery (target, due);
CREATE TABLE IF NOT EXISTS delivery_seen (one INTEGER PRIMARY KEY CHECK (one = 1), event INT NOT NULL);
"""


class Message(NamedTuple):
    """One event for one target."""

    number: int
    id: str
    """The same at each attempt, so that a receiver recognises a repeated message."""
    target: str
    job: str | None
    body: str
    made: float
    attempts: int


class Source(Protocol):
    """The part of `Jobs` that webhooks use."""

    def listen(self, job: str | None = None) -> AbstractContextManager[Listener]: ...
    def webhooks(self) -> Sequence[str]: ...
    def webhook(self, job: str) -> str: ...
    async def note(self, job: str | None, data: dict[str, object]) -> None: ...


class Webhooks:
    """Makes messages from events, stores them in the database, and sends them to their targets.

    `secret` is called for each attempt, and raises ConfigError.
    """

    def __init__(
        self, store: Store, jobs: Source, post: Post, secret: Callable[[], str], now: Callable[[], float]
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._post = post
        self._secret = secret
        self._now = now
        self._seen = 0
        """The last event that was processed."""
        self._busy: set[str] = set()
        """Targets to which messages are being sent."""
        self._moved = asyncio.Event()

    async def open(self) -> None:
        """Loads the position that the last daemon left."""
        self._seen = await self._store.do(_set_up)

    async def run(self) -> None:
        """Makes and sends messages, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._gather)
            tasks.start_soon(self._send)

    async def close(self) -> None:
        """Stores the position, so that a later daemon with other targets sends no old events."""
        await self._keep([], self._seen)

    # -- from events to messages -------------------------------------------------------------------------------------

    async def _gather(self) -> None:
        while True:
            try:
                with self._jobs.listen() as listener:
                    await self.catch_up()  # events from before we listened
                    async for batch in listener:
                        await self._take(batch)
            except (StorageFull, StoreError) as error:
                log.warning("webhooks wait: %s", error)
            await asyncio.sleep(RETRY_S)  # missed events are read from the database then

    async def catch_up(self) -> None:
        """Processes the stored events that are new."""
        while batch := await self._store.events(self._seen, None, AT_ONCE):
            await self._take(batch)

    async def _take(self, batch: Sequence[Event]) -> None:
        fresh = [event for event in batch if event.id is not None and event.id > self._seen]
        wanted = [(event, target) for event in fresh if _is_sent(event) for target in self._targets(event)]
        last = fresh[-1].id if fresh else None
        if wanted:
            await self._keep(wanted, last or self._seen)
            self._moved.set()
        self._seen = last or self._seen

    def _targets(self, event: Event) -> Sequence[str]:
        own = self._jobs.webhook(event.job) if event.job else ""
        return list(dict.fromkeys([*self._jobs.webhooks(), *([own] if own else [])]))

    async def _keep(self, wanted: Sequence[tuple[Event, str]], seen: int) -> None:
        now = self._now()
        rows = [
            (f"msg_{secrets.token_hex(16)}", target, event.job, event.json.decode(), now) for event, target in wanted
        ]
        await self._store.do(lambda connection: _put(connection, rows, seen))

    # -- from messages to targets ------------------------------------------------------------------------------------

    async def _send(self) -> None:
        async with anyio.create_task_group() as tasks:
            while True:
                self._moved.clear()
                pause_s = RETRY_S
                try:
                    pause_s = await self._begin(tasks)
                except (StorageFull, StoreError) as error:
                    log.warning("webhooks wait: %s", error)
                with anyio.move_on_after(pause_s):
                    await self._moved.wait()

    async def _begin(self, tasks: TaskGroup) -> float:
        """Starts to send due messages to targets that are not busy. Returns the seconds until the next ones are due."""
        busy = orjson.dumps(list(self._busy)).decode()
        due = await self._store.do(partial(_due, busy=busy, now=self._now()))
        by_target: dict[str, list[Message]] = {}
        for message in due:
            by_target.setdefault(message.target, []).append(message)
        for target, messages in by_target.items():  # each on its own: a dead target delays no other
            self._busy.add(target)
            tasks.start_soon(self._tell, target, messages)
        later = await self._store.do(partial(_next_due, busy=orjson.dumps(list(self._busy)).decode()))
        return max(0.0, min(later - self._now(), LOOK_S))

    async def _tell(self, target: str, messages: Sequence[Message]) -> None:
        try:
            await self._tell_in_order(messages)
        except (StorageFull, StoreError) as error:
            log.warning("webhooks wait: %s", error)
            await asyncio.sleep(RETRY_S)
        finally:
            self._busy.discard(target)
            self._moved.set()

    async def _tell_in_order(self, messages: Sequence[Message]) -> None:
        """Sends messages in order, up to the first one that the target does not accept."""
        for message in messages:
            told = await self._attempt(message)
            if not told.why:
                await self._drop(message)
            elif told.is_final or self._now() - message.made >= GIVEN_UP_S:
                await self._give_up(message, told.why)
            else:
                wait_s = min(MOST_S, FIRST_S * 2 ** min(message.attempts, 20))
                log.info("webhook %s: %s; again in %.0f s", _site(message.target), told.why, wait_s)
                await self._store.do(partial(_put_off, message=message, until=self._now() + wait_s))
                return

    async def _attempt(self, message: Message) -> PostResult:
        at, body = int(self._now()), message.body.encode()
        try:
            secret = self._secret()
        except ConfigError as error:
            return PostResult(str(error))
        fields = sign(secret, message.id, at, body)
        return await self._post(message.target, body, fields)

    async def _give_up(self, message: Message, why: str) -> None:
        log.warning(
            "webhook %s is given up after %s: %s", _site(message.target), many(message.attempts + 1, "attempt"), why
        )
        said = {"webhook": _site(message.target), "given_up": message.id, "attempts": message.attempts + 1, "why": why}
        await self._jobs.note(message.job, said)
        await self._drop(message)

    async def _drop(self, message: Message) -> None:
        await self._store.do(
            lambda connection: connection.execute("DELETE FROM delivery WHERE number = ?", [message.number])
        )


@asynccontextmanager
async def open_webhooks(webhooks: Webhooks) -> AsyncIterator[None]:
    """Makes and sends messages while the block lasts. Raises StoreError."""
    await webhooks.open()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(webhooks.run)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
    with suppress(StorageFull, StoreError):
        await webhooks.close()


def _is_sent(event: Event) -> bool:
    """Whether webhooks are sent an event: a change of a job's state, or what a run's visits found."""
    return event.kind is Kind.STATE or (event.kind is Kind.NOTE and "changes" in event.data)


def _site(target: str) -> str:
    """Returns scheme and host of a URL, which may be shown; the rest may hold a secret."""
    return target[: target.index("/", 8)]


def _set_up(connection: sqlite3.Connection) -> int:
    """Makes the tables. Returns the last event that was processed; in a new database, the last one there is."""
    for statement in filter(str.strip, TABLES.split(";")):
        connection.execute(statement)
    connection.execute("INSERT OR IGNORE INTO delivery_seen SELECT 1, coalesce(max(id), 0) FROM event")
    [seen] = connection.execute("SELECT event FROM delivery_seen").fetchone()
    return int(seen)


def _put(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]], seen: int) -> None:
    connection.executemany(  # due after the messages that already wait for the same target
        "INSERT INTO delivery (id, target, job, body, made, attempts, due) VALUES"
        " (:id, :target, :job, :body, :made, 0,"
        " max(:made, coalesce((SELECT max(due) FROM delivery WHERE target = :target), 0)))",
        [dict(zip(("id", "target", "job", "body", "made"), row, strict=True)) for row in rows],
    )
    connection.execute("UPDATE delivery_seen SET event = ?", [seen])
    connection.execute(
        "DELETE FROM delivery WHERE number <= (SELECT number FROM delivery ORDER BY number DESC LIMIT 1 OFFSET ?)",
        [MOST_WAITING],
    )


def _due(connection: sqlite3.Connection, busy: str, now: float) -> list[Message]:
    rows = connection.execute(
        "SELECT number, id, target, job, body, made, attempts FROM delivery"
        " WHERE due <= ? AND target NOT IN (SELECT value FROM json_each(?)) ORDER BY number LIMIT ?",
        (now, busy, AT_ONCE),
    )
    return [Message(*row) for row in rows]


def _next_due(connection: sqlite3.Connection, busy: str) -> float:
    [due] = connection.execute(
        "SELECT min(due) FROM delivery WHERE target NOT IN (SELECT value FROM json_each(?))", [busy]
    ).fetchone()
    return float("inf") if due is None else float(due)


def _put_off(connection: sqlite3.Connection, message: Message, until: float) -> None:
    """Postpones all messages of a target that does not answer."""
    connection.execute("UPDATE delivery SET attempts = attempts + 1 WHERE number = ?", [message.number])
    connection.execute("UPDATE delivery SET due = max(due, ?) WHERE target = ?", [until, message.target])
