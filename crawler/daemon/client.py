"""Talks to a daemon over its API: requests and answers, uploads, events as they come."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from ..errors import ConfigError, CrawlError
from ..event_loop import require_asyncio
from ..runtime.ownership import Trust, check_open_file
from ..runtime.private_files import Unsafe, opener
from . import tokens
from .settings import ADDRESS, DaemonConfig, token_file

LINES = "text/uri-list"
UNIX = "unix:"
TIMES = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
"""A healthy daemon sends something every fifteen seconds, even on a stream of events."""
MAX_EVENT = 1 << 20
"""Largest line of the stream in bytes: one line holds all changed settings of a job."""


class Unreachable(CrawlError):
    """No daemon answers at this address."""


class Refused(CrawlError):
    """The daemon refused the request. The message is the daemon's own text."""

    def __init__(self, status: int, detail: str, faults: Sequence[tuple[str, str]] = (), kind: str = "") -> None:
        super().__init__(detail)
        self.status = status
        """The HTTP status of the answer."""
        self.faults: tuple[tuple[str, str], ...] = tuple(faults)
        """Pairs of a field and what is wrong with it."""
        self.kind: str = kind
        """The kind of the problem, by the last word of its type: `wrong-token`, `not-found`."""


class Client:
    """A connection to one daemon. Every method raises Unreachable and Refused."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._base = "http://localhost" if url.startswith(UNIX) else url.rstrip("/")

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str | int] | None = None,
        lines: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Returns the answer, read as JSON; None for an empty answer.

        `lines` are seeds that are sent as they come, instead of a body.
        """
        fields = dict(headers or {})
        data: object = lines
        if lines is not None:
            fields["Content-Type"] = LINES
        elif body is not None:
            fields["Content-Type"], data = "application/json", orjson.dumps(body)
        async with self._send(method, path, query or {}, data, fields) as answer:
            return await answer.json(content_type=None) if answer.status != 204 else None

    async def list(
        self, path: str, query: Mapping[str, str | int] | None = None
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yields every entry of a list such as `/v1/jobs`, page after page.

        Of a job that runs, `/v1/jobs/ID/pages` ends with the records that are there by now.
        """
        asked = dict(query or {})
        while True:
            page = await self.ask("GET", path, query=asked)
            for item in page["items"]:
                yield item
            if page["next"] in (None, asked.get("cursor")):
                return
            asked["cursor"] = page["next"]

    async def events(self, path: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yields events from now on, until the daemon ends the stream."""
        async with self._send("GET", path, {}, None, {"Accept": "text/event-stream"}) as answer:
            yield {"kind": "listening", "job": None, "data": {}}
            async for line in answer.content:
                if line.startswith(b"data: "):
                    yield orjson.loads(line[6:])

    @asynccontextmanager
    async def _send(
        self, method: str, path: str, query: Mapping[str, str | int], data: object, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._http.request(
                method, self._base + path, params=query, data=data, headers=headers, allow_redirects=False
            ) as answer:
                if answer.status >= 300:
                    raise await _refusal(answer)
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(
                f"no daemon answers at {self._url} ({_why(error)}): start one with `crawl serve`, or name it with --url"
            ) from error


@asynccontextmanager
async def open_client(url: str, token: str | None) -> AsyncIterator[Client]:
    """Opens a client for the daemon at `url`: `http://127.0.0.1:7878`, or `unix:/path`. Raises ConfigError."""
    require_asyncio()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    connector: aiohttp.BaseConnector
    if url.startswith(UNIX):
        _check_owner(url.removeprefix(UNIX))
        connector = aiohttp.UnixConnector(url.removeprefix(UNIX))
    elif urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname:
        connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    else:
        raise ConfigError(f"{url!r} is not the address of a daemon: write http://HOST:PORT or unix:/PATH")
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, timeout=TIMES, read_bufsize=MAX_EVENT
    ) as http:
        yield Client(http, url)


def _check_owner(path: str) -> None:
    """Raises ConfigError if another user owns the socket and would get the token. Root may use any socket."""
    try:
        owner = os.stat(path).st_uid
    except OSError:
        return  # the error comes when we connect
    if os.geteuid() not in (0, owner) and owner != 0:
        raise ConfigError(f"{path} is a socket of another user (uid {owner}), so the token is not sent to it")


def find_daemon(config: DaemonConfig) -> tuple[str, str | None]:
    """Returns the address of the daemon with these settings, and its token if the file is on this machine.

    Raises ConfigError, also if the default data folder belongs to another account: only a folder that was named may.
    """
    trust = Trust(foreign=config.trust_folder or bool(config.model_fields_set & {"data", "token_file"}))
    try:
        token = tokens.read(token_file(config), trust)
    except FileNotFoundError:
        token = None
    chosen = config.model_fields_set
    if not chosen & {"host", "port", "socket"}:
        try:
            with open(Path(config.data) / ADDRESS, encoding="utf-8", opener=opener) as file:
                check_open_file(file.fileno(), Path(config.data) / ADDRESS, trust)
                return file.read().strip(), token
        except Unsafe as error:
            raise ConfigError(str(error)) from error
        except OSError:
            pass
    if config.socket:
        return f"{UNIX}{config.socket}", token
    host = _reachable(config.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{config.port}", token


def _reachable(host: str) -> str:
    """Returns the address to connect to for a listening address: loopback for 0.0.0.0 and `::`."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return {4: "127.0.0.1", 6: "::1"}[address.version] if address.is_unspecified else host


async def _refusal(answer: aiohttp.ClientResponse) -> Refused:
    try:
        problem = orjson.loads(await answer.read())
        faults = [(str(one["field"]), str(one["detail"])) for one in problem.get("errors", ())]
        return Refused(answer.status, str(problem["detail"]), faults, str(problem["type"]).rpartition(":")[2])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refused(answer.status, f"HTTP {answer.status}: this is not a crawld daemon")


def _why(error: Exception) -> str:
    cause = getattr(error, "os_error", error)
    number = getattr(cause, "errno", None)
    return (os.strerror(number) if number else str(error)) or type(error).__name__
