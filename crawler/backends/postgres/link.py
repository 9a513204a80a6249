"""A connection to the server that is made again when it breaks; and its errors, said so that a person can act."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import asyncpg
from anyio import CancelScope

from ...errors import ConfigError, FrontierError, StorageFull
from ..in_order import InOrder, Work
from .schema import OLDEST_SERVER

T = TypeVar("T")

SCHEMES = ("postgresql", "postgres")
CONNECT_S = 10.0
ANSWER_S = 120.0
"""How long one statement may take. A server that does not answer so long is away."""
PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.0)
"""Pauses between attempts to reach a server that is away; the last one again and again."""
_SESSION = {"application_name": "crawld", "idle_in_transaction_session_timeout": "60s", "jit": "off", "search_path": ""}
_AWAY = ("08", "40", "57", "58", "25006", "53300")
"""SQL states that pass: no connection, conflicts, operator's work, trouble of its system, a stand-by, no connection
left."""
_BROKEN = ("08", "57", "58")
"""Those after which the connection is of no use."""
_FULL = ("53100",)
_FORM = "should be like postgresql://user:password@host:5432/database"
_CLIENT = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Errors of the client: a connection that breaks between two messages may leave it in a state of no use."""
_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, *_CLIENT)


def describe(url: str) -> str:
    """Returns server and database, without the password. Raises ConfigError for a URL of something else."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise ConfigError(f"--engine: {_FORM}") from None  # its text has the password
    if parts.scheme not in SCHEMES or not parts.path.strip("/") or not parts.path.isprintable():
        raise ConfigError(f"--engine: {_FORM}")
    return f"postgresql://{parts.hostname or _socket(parts)}:{port}{parts.path}"


def _socket(parts: SplitResult) -> str:
    return "localhost"


class Link(InOrder):
    """One connection. What it is asked is done in the order of the calls; while the server is away, it waits."""

    def __init__(self, url: str, patience_s: float, answer_s: float = ANSWER_S) -> None:
        """A server that is away so long is given up, and a connection without an answer so long. Raises ConfigError."""
        super().__init__()
        self.place: str = describe(url)
        self._url = url
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._connection: asyncpg.Connection | None = None

    async def open(self) -> None:
        """Connects at once or not at all. Raises FrontierError."""
        try:
            await self._connect()
        except _FAILURES as error:
            raise self._refuse(error) from None

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        """Returns the rows of an answer. The statement may be carried out twice: it changes nothing, or the same."""
        rows: list[Any] = await self.work(lambda connection: connection.fetch(statement, *arguments))
        return rows

    async def value(self, statement: str, *arguments: object) -> Any:
        return await self.work(lambda connection: connection.fetchval(statement, *arguments))

    async def transact(self, work: Work[T]) -> T:
        """Does the work in one transaction. After a break it is done once more: the work must know whether it was
        done."""

        async def whole(connection: asyncpg.Connection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self.work(whole)

    async def _insist(self, work: Work[T]) -> T:
        """Does the work, again and again while the server is away."""
        began: float | None = None
        attempt = 0
        while True:
            try:
                return await work(await self._connect())
            except _FAILURES as error:
                if not isinstance(error, asyncpg.PostgresError) or str(error.sqlstate).startswith(_BROKEN):
                    self._drop()
                began = began or time.monotonic()
                if not _may_pass(error) or time.monotonic() - began > self._patience_s:
                    raise self._refuse(error) from None
            except asyncio.CancelledError:
                self._drop()  # a transaction may be half done
                raise
            await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
            attempt += 1

    async def close(self) -> None:
        """Waits for the work under way, but not for a server that is away."""
        await self._finish_work(CONNECT_S)
        if self._connection is not None:
            with CancelScope(shield=True):
                try:
                    await self._connection.close(timeout=CONNECT_S)
                except _FAILURES:
                    self._drop()
            self._connection = None

    async def _connect(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await asyncpg.connect(
                self._url, timeout=CONNECT_S, command_timeout=self._answer_s, server_settings=_SESSION
            )
            version = connection.get_server_version()
            if version.major * 10000 < OLDEST_SERVER:
                await connection.close()
                raise FrontierError(
                    f"{self.place} is PostgreSQL {version.major}.{version.micro}: an engine needs"
                    f" {OLDEST_SERVER // 10000} or later"
                )
            self._connection = connection
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _refuse(self, error: Exception) -> FrontierError:
        state = str(getattr(error, "sqlstate", "") or "")
        if state in _FULL:
            return StorageFull(f"no space left on {self.place}: make room and run the same command again")
        return FrontierError(f"{self.place} {_advise(error, state)}")


def _advise(error: Exception, state: str) -> str:
    """Returns what is wrong and what to do."""
    if state in ("28P01", "28000"):
        return f"refuses this user or password ({words_of(error)}): set them in the URL, or in PGUSER and PGPASSWORD"
    if state == "3D000":
        return "has no such database: make it with `createdb`, or name another one"
    if state == "42501":
        return f"does not let this user do that ({words_of(error)}): GRANT CREATE on the database, or use its owner"
    if isinstance(error, ssl.SSLError):
        return f"cannot be reached safely ({words_of(error)}): add ?sslmode=... to the URL"
    if isinstance(error, OSError | TimeoutError):
        return f"cannot be reached ({words_of(error)}): is the server running there?"
    if isinstance(error, _CLIENT) and not isinstance(error, ValueError):
        return "broke off the connection: see that the server runs, and give the same command again"
    return f"cannot be used: {words_of(error)}"


def _may_pass(error: Exception) -> bool:
    """Whether the server may do it later: it is away, or busy."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "08").startswith(_AWAY)
    return not isinstance(error, ValueError)  # as the errors of settings and of values are


def words_of(error: Exception) -> str:
    """Returns the error in a few words. Those of the server name no password."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return " ".join((str(error) or type(error).__name__).split())[:300]
