"""The daemon's database. Acknowledged changes survive `kill -9` and power cuts. One thread does all work, in order."""

from __future__ import annotations

import logging
import sqlite3
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import orjson
from anyio import CancelScope

from ...errors import ClosedError, StorageFull
from ...metrics.metrics import Ending
from ...model import Disposition
from ...runtime.files import is_full
from ...runtime.layouts import NoRoom, describe_newer, keep_copy, layout_of, sign, upgrade
from ...runtime.private_files import Unsafe, check_database, touch
from ...runtime.threads import start_in_thread
from ...settings.loading import project_version
from ...standing import Counts
from ..errors import StoreError
from ..events import Event, Kind
from .job import Record, Template, Wish
from .states import State

T = TypeVar("T")
log = logging.getLogger(__name__)

APPLICATION_ID = 0x63726C64  # "crld"
VERSION = 1
UPGRADES: Mapping[int, str] = {}
"""The statements that make the next layout of each older one."""
MOST_EVENTS_A_JOB = 1000
"""Events kept for each job; older ones are deleted, so that a script cannot fill the disk."""
MOST_KEYS_A_JOB = 1000
"""Uploads of seeds to one job whose idempotency keys are kept, the newest ones."""
MOST_LONE_EVENTS = 10_000
"""Events kept that belong to no job, or to a removed one."""

TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS template (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, job TEXT, kind TEXT NOT NULL, data TEXT NOT NULL, is_lone INT NOT NULL
);
CREATE TABLE IF NOT EXISTS upload_key (
    job TEXT, key TEXT, digest TEXT NOT NULL, given INT NOT NULL, number INT NOT NULL, PRIMARY KEY (job, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS event_by_job ON event (job, id);
CREATE INDEX IF NOT EXISTS lone_event ON event (id) WHERE is_lone;
"""


class KeyedUpload(NamedTuple):
    """Seeds that were added to a job with an idempotency key."""

    job: str
    key: str
    digest: str
    """The digest of the seeds."""
    given: int
    """Lines that are neither empty nor comments."""
    number: int
    """The upload's number in the job, from 1."""


@dataclass(frozen=True, slots=True)
class Change:
    """The content of one transaction, written as a whole or not at all."""

    records: Sequence[Record] = ()
    removed: Sequence[str] = ()
    events: Sequence[Event] = ()
    templates: Sequence[Template] = ()
    removed_templates: Sequence[str] = ()
    uploads: Sequence[KeyedUpload] = ()


@dataclass(frozen=True, slots=True)
class StoredState:
    """The content of a database when it is opened."""

    records: Sequence[Record]
    templates: Sequence[Template]
    last_event: int


class Store:
    """Runs all work on the database in its thread."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        self._path = path
        self._thread = thread
        self._connection: sqlite3.Connection
        self._is_closed = False

    def write(self, change: Change) -> Future[None]:
        """Writes a change, which is durable when the future is done. Raises StorageFull, StoreError; then nothing was
        written.
        """
        return self.do(lambda connection: _write(connection, change))

    def events(self, after: int, job: str | None, limit: int) -> Future[list[Event]]:
        """Returns events with larger ids, in order."""
        return self.do(lambda connection: _events(connection, after, job, limit))

    async def upload_with(self, job: str, key: str) -> KeyedUpload | None:
        """Returns the upload that came to the job with this idempotency key, or None."""
        rows = await self.do(
            lambda connection: connection.execute(
                "SELECT * FROM upload_key WHERE job = ? AND key = ?", [job, key]
            ).fetchall()
        )
        return KeyedUpload(*rows[0]) if rows else None

    def do(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Runs `work` in the thread, in a transaction of its own, in the order of the calls. Raises as `write` does."""
        if self._is_closed:
            raise ClosedError("these jobs are", "open_jobs")
        return start_in_thread(self._thread, self._work, work)

    async def open(self) -> StoredState:
        return await start_in_thread(self._thread, self._open)

    async def close(self) -> None:
        self._is_closed = True
        await start_in_thread(self._thread, self._close)

    # -- in the thread -----------------------------------------------------------------------------------------------

    def _open(self) -> StoredState:
        with _translate_errors(self._path):
            check_database(self._path)
            touch(self._path)  # its owner alone may read it and the files that SQLite makes beside it
            self._connection = _connect(self._path)
            if older := _check_layout(self._connection, self._path):
                self._connection.close()  # moves the log into the file, which then is whole by itself
                _keep_older(self._path, older)
                self._connection = _connect(self._path)
            _set_up(self._connection)
            return _load(self._connection)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with _translate_errors(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            return result

    def _close(self) -> None:
        if hasattr(self, "_connection"):
            self._connection.close()


@asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[tuple[Store, StoredState]]:
    """Opens the database at `path`, or makes it, and yields it with its content. Raises StoreError, StorageFull."""
    with ThreadPoolExecutor(1, thread_name_prefix="daemon store") as thread:
        store = Store(path, thread)
        try:
            remembered = await store.open()
            yield store, remembered
        finally:
            with CancelScope(shield=True):
                await store.close()


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except NoRoom as error:
        raise StorageFull(str(error)) from error
    except Unsafe as error:
        raise StoreError(str(error)) from error
    except sqlite3.Error as error:
        if is_full(error):
            raise StorageFull(f"no space left for {path}: make room; nothing was changed") from error
        raise StoreError(f"{path} cannot be used ({error}): repair it, or restore it from a copy") from error


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)


def _check_layout(connection: sqlite3.Connection, path: Path) -> int:
    """Returns the number of the file's layout if that is older than ours; else 0. Raises StoreError."""
    [application] = connection.execute("PRAGMA application_id").fetchone()
    layout = layout_of(connection)
    if (application, layout) == (0, 0):
        return 0
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is another program's database: give the daemon another folder")
    if layout > VERSION:
        raise StoreError(describe_newer(connection, path, VERSION, project_version()))
    return layout if layout < VERSION else 0


def _keep_older(path: Path, older: int) -> None:
    """Keeps a copy of a file that is about to be upgraded."""
    log.info("%s has layout %d and is brought to layout %d; first a copy is kept", path, older, VERSION)
    kept = keep_copy(path, older)
    log.info("the file as it was is kept as %s: remove it once you need no older version", kept)


def _set_up(connection: sqlite3.Connection) -> None:
    if layout_of(connection):
        upgrade(connection, UPGRADES, VERSION)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # acknowledged changes survive a power cut
        "fullfsync = 1",  # macOS: down to the disk itself
        f"application_id = {APPLICATION_ID}",
        f"user_version = {VERSION}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.executescript(TABLES)
    sign(connection, project_version())


def _load(connection: sqlite3.Connection) -> StoredState:
    jobs = connection.execute("SELECT record FROM job ORDER BY id").fetchall()
    templates = connection.execute("SELECT record FROM template ORDER BY name").fetchall()
    [last] = connection.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()
    return StoredState(
        [_record(text) for (text,) in jobs], [Template(**orjson.loads(text)) for (text,) in templates], last
    )


def _write(connection: sqlite3.Connection, change: Change) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO job VALUES (?, ?)", [(record.id, _text(_lean(record))) for record in change.records]
    )
    connection.executemany("DELETE FROM event WHERE job = ?", [(job,) for job in change.removed])
    connection.executemany("DELETE FROM job WHERE id = ?", [(job,) for job in change.removed])
    connection.executemany("DELETE FROM upload_key WHERE job = ?", [(job,) for job in change.removed])
    _write_uploads(connection, change.uploads)
    connection.executemany(
        "INSERT OR REPLACE INTO template VALUES (?, ?)", [(one.name, _text(one)) for one in change.templates]
    )
    connection.executemany("DELETE FROM template WHERE name = ?", [(name,) for name in change.removed_templates])
    for event in change.events:
        is_lone = event.job is None or event.job in change.removed
        connection.execute(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
            (
                event.id,
                event.at,
                event.job,
                event.kind,
                _json(event.data),
                is_lone,
            ),
        )
        which, most = ("is_lone", MOST_LONE_EVENTS) if is_lone else ("job = :job", MOST_EVENTS_A_JOB)
        connection.execute(
            f"DELETE FROM event WHERE {which} AND id <= "
            f"(SELECT id FROM event WHERE {which} ORDER BY id DESC LIMIT 1 OFFSET :most)",
            {"job": event.job, "most": most},
        )


def _write_uploads(connection: sqlite3.Connection, uploads: Sequence[KeyedUpload]) -> None:
    connection.executemany("INSERT OR REPLACE INTO upload_key VALUES (?, ?, ?, ?, ?)", uploads)
    oldest = [(one.job, one.number - MOST_KEYS_A_JOB) for one in uploads]
    connection.executemany("DELETE FROM upload_key WHERE job = ? AND number <= ?", oldest)


def _events(connection: sqlite3.Connection, after: int, job: str | None, limit: int) -> list[Event]:
    where = "id > :after" if job is None else "id > :after AND job = :job"
    rows = connection.execute(
        f"SELECT id, at, job, kind, data FROM event WHERE {where} ORDER BY id LIMIT :limit",
        {"after": after, "limit": limit, "job": job},
    )
    return [Event(number, at, of, Kind(kind), orjson.loads(data)) for number, at, of, kind, data in rows]


def _text(noun: Record | Template) -> str:
    return _json(asdict(noun))


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _lean(record: Record) -> Record:
    """Returns the record without its traps, which the frontier's own file holds."""
    return replace(record, counts=replace(record.counts, traps=()))


def _record(text: str) -> Record:
    """Reads a record. Unknown fields, written by another version, are left out."""
    known = {field.name for field in fields(Record)}
    values: dict[str, Any] = {name: value for name, value in orjson.loads(text).items() if name in known}
    settled = {Disposition(name): n for name, n in values["counts"].pop("settled").items()}
    values["counts"] = Counts(settled=settled, **values["counts"])
    for name in ("held", "inherited"):
        values[name] = tuple(values.get(name, ()))
    values["wishes"] = tuple(
        Wish(tuple(one["retry"]), tuple(one["unpark"]), one["unpark_all"], one["number"])
        for one in values.get("wishes", ())
    )
    values["state"] = State(values["state"])
    values["ended"] = values["ended"] and Ending(values["ended"])
    return Record(**values)
