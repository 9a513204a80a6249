"""A connection to the server that is made again when it breaks; and its errors, said so that a person can act."""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from anyio import CancelScope
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ...errors import ConfigError, FrontierError, StorageFull
from ...frontier.backend import Fenced
from ..in_order import InOrder, Work
from .scripts import SCRIPTS

T = TypeVar("T")

SCHEMES = ("redis", "rediss", "valkey", "valkeys")
"""Those with `s` at their end are encrypted."""
OLDEST_SERVER = (7, 0)
"""Older ones copy the text of a script to their file, and not what it did."""
PORT = 6379
CONNECT_S = 10.0
ANSWER_S = 120.0
"""How long one call may take. A server that does not answer so long is away."""
PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.0)
"""Pauses between attempts to reach a server that is away; the last one again and again."""
_FORM = "should be like redis://user:password@host:6379/0, or redis:///path/of/a/socket"
_FENCED = "FENCED "
_HASHES = {name: hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest() for name, source in SCRIPTS.items()}
_FAILURES = (OSError, TimeoutError, exceptions.RedisError)
_BROKEN = (OSError, TimeoutError, exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ReadOnlyError)
"""Those after which the connection is of no use. A server that may only be read is no primary any more."""
_REFUSED = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)
_REFUSALS = ("NOAUTH", "WRONGPASS", "NOPERM", "username-password pair", "HELLO must be called")
"""Words of refusals: not all of them come as errors of their own."""
_AWAY = ("LOADING", "MASTERDOWN", "TRYAGAIN", "BUSY ", "MISCONF", "CLUSTERDOWN")


class Place(NamedTuple):
    """The place of a server, as its client takes it."""

    said: str
    """Server and database, without the password."""
    options: Mapping[str, Any]


def read_url(url: str) -> Place:
    """Returns the place that a URL names. Raises ConfigError for a URL of something else."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
        query = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        options, said = _options(parts, port, query)
    except ValueError:
        raise ConfigError(f"--engine: {_FORM}") from None  # its text has the password
    if parts.scheme not in SCHEMES or query:
        raise ConfigError(f"--engine: {_FORM}")
    scheme = parts.scheme.removesuffix("s") if parts.scheme == "rediss" else parts.scheme
    if parts.scheme.endswith("ss") or parts.scheme == "valkeys":
        options["ssl"] = True
        scheme = parts.scheme
    return Place(f"{scheme}://{said}", options)


def _options(parts: SplitResult, port: int, query: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Returns what the client takes, and server and database in words. Takes what it knows out of the query."""
    who = {"username": parts.username, "password": parts.password}
    options: dict[str, Any] = {name: unquote(text) for name, text in who.items() if text}
    path = unquote(parts.path)
    if path.strip("/") and not path.strip("/").isdigit() and not parts.hostname:
        options |= {"unix_socket_path": path, "db": int(query.pop("db", "0"))}
        return options, f"{path}, database {options['db']}"
    if authority := query.pop("ssl_ca_certs", ""):
        options["ssl_ca_certs"] = authority
    options |= {"host": parts.hostname or "localhost", "port": port, "db": int(path.strip("/") or "0")}
    return options, f"{options['host']}:{port}/{options['db']}"


class Link(InOrder):
    """One connection. What it is asked is done in the order of the calls; while the server is away, it waits."""

    def __init__(self, url: str, patience_s: float, answer_s: float = ANSWER_S) -> None:
        """A server that is away so long is given up, and a connection without an answer so long. Raises ConfigError."""
        super().__init__()
        self.place, self._options = read_url(url)
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._client: Any = None

    async def open(self) -> None:
        """Connects at once or not at all. Raises FrontierError."""
        try:
            await self._connect()
        except _FAILURES as error:
            raise self._refuse(error) from None

    async def ask(self, *words: object) -> Any:
        """Returns the answer to a command. It may be carried out twice: it changes nothing, or the same."""
        return await self.work(lambda client: client.execute_command(*words))

    async def call(self, name: str, prefix: str, *arguments: object, now: str = "") -> Any:
        """Returns the answer of a script. After a break it is called once more: it must know whether it was done."""
        return await self.work(lambda client: run(client, name, prefix, *arguments, now=now))

    async def _insist(self, work: Work[T]) -> T:
        """Does the work, again and again while the server is away."""
        began: float | None = None
        attempt = 0
        while True:
            try:
                return await work(await self._connect())
            except _FAILURES as error:
                if isinstance(error, exceptions.ResponseError) and str(error).startswith(_FENCED):
                    raise Fenced(str(error).removeprefix(_FENCED)) from None
                if isinstance(error, (*_BROKEN, exceptions.NoScriptError)):
                    await self._drop()
                began = began or time.monotonic()
                if not _may_pass(error) or time.monotonic() - began > self._patience_s:
                    raise self._refuse(error) from None
            except asyncio.CancelledError:
                await self._drop()  # its answer is still to come
                raise
            await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
            attempt += 1

    async def close(self) -> None:
        """Waits for the work under way, but not for a server that is away."""
        await self._finish_work(CONNECT_S)
        await self._drop()

    async def _connect(self) -> Any:
        if self._client is None:
            client: Any = Redis(
                **self._options, single_connection_client=True, socket_timeout=self._answer_s,
                socket_connect_timeout=CONNECT_S, retry=Retry(NoBackoff(), 0), client_name="crawld",
            )  # fmt: skip
            try:
                await client.initialize()
                check_server(await client.info(), self.place)
                for source in SCRIPTS.values():
                    await client.script_load(source)
            except BaseException:
                with CancelScope(shield=True):
                    await _close(client)
                raise
            self._client = client
        return self._client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with CancelScope(shield=True):
                await _close(client)

    def _refuse(self, error: Exception) -> FrontierError:
        if isinstance(error, exceptions.OutOfMemoryError):
            return StorageFull(
                f"{self.place} has no memory left: raise its maxmemory, or make room, and run the same command again"
            )
        if "MISCONF" in str(error):
            return StorageFull(f"{self.place} cannot write to its disk: make room there and run the same command again")
        return FrontierError(f"{self.place} {_advise(error)}")


async def run(client: Any, name: str, prefix: str, *arguments: object, now: str = "") -> Any:
    """Returns the answer of a script."""
    return await client.execute_command("EVALSHA", _HASHES[name], 0, prefix, now, *arguments)


async def _close(client: Any) -> None:
    try:
        async with asyncio.timeout(CONNECT_S):
            await client.aclose(close_connection_pool=True)
    except _FAILURES:
        return


def check_server(told: Mapping[str, Any], place: str) -> None:
    """Raises FrontierError for a server that can keep no crawl."""
    version = str(told.get("redis_version", "0"))
    name = "Valkey" if "valkey_version" in told else "Redis"
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_SERVER:
        raise FrontierError(
            f"{place} is {name} {version}: an engine needs {'.'.join(map(str, OLDEST_SERVER))} or later"
        )
    if told.get("role") not in (None, "master"):
        raise FrontierError(f"{place} is a replica, which cannot be written: name its primary in the URL")
    if told.get("cluster_enabled"):
        raise FrontierError(f"{place} is a node of a cluster, and an engine is one server: name a server of its own")


def _advise(error: Exception) -> str:
    """Returns what is wrong and what to do."""
    if _is_refused(error):
        words = "it wants one" if "NOAUTH" in str(error) or "HELLO" in str(error) else words_of(error)
        return f"refuses this user or password ({words}): set them in the URL"
    if isinstance(error, ssl.SSLError) or "SSL" in str(error):
        return f"cannot be reached safely ({words_of(error)}): is it encrypted, and who signed its certificate?"
    if "DB index is out of range" in str(error):
        return "has no such database: name another number behind the host"
    if isinstance(error, _BROKEN):
        return f"cannot be reached ({words_of(error)}): is the server running there?"
    return f"cannot be used: {words_of(error)}"


def _is_refused(error: Exception) -> bool:
    """Whether the server does not let this user in, or not do this."""
    return isinstance(error, _REFUSED) or any(word in str(error) for word in _REFUSALS)


def _may_pass(error: Exception) -> bool:
    """Whether the server may do it later: it is away, or busy."""
    if _is_refused(error):
        return False
    return isinstance(error, (*_BROKEN, exceptions.NoScriptError)) or str(error).startswith(_AWAY)


def words_of(error: Exception) -> str:
    """Returns the error in a few words. Those of the server name no password."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, TimeoutError | exceptions.TimeoutError):
        return "no answer"
    for one in (error, cause):
        if isinstance(one, OSError) and one.errno and one.errno > 0:
            return os.strerror(one.errno).lower()
    return " ".join((str(error) or type(error).__name__).split())[:300]
