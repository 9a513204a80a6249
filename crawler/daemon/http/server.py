"""Serves the API: on loopback or a unix socket, or, with a token, on any address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from aiohttp import web

from ...errors import ConfigError
from ...event_loop import require_asyncio
from ..api import Jobs
from ..reload import Changed
from . import sockets
from .adapters import Adapter
from .admission import Admission
from .app import application
from .listener import accept_connections
from .safety import Token
from .wire import Wire

STOP_S = 3.0
"""Seconds that requests under way get to finish when the daemon stops."""
BACKLOG = 512
MAX_LINE = 1 << 15
"""Largest first line of a request in bytes: a URL to be explained may be long."""
MAX_FIELDS = 64
"""Header fields of a request, 8 KiB each."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The address of the daemon."""

    url: str
    """`http://127.0.0.1:7878`, or `unix:/path`."""
    port: int | None
    """The port. None: it listens on a unix socket."""


@asynccontextmanager
async def open_server(  # noqa: PLR0913 - what `application` takes, and where to listen
    jobs: Jobs,
    *,
    host: str,
    port: int,
    path: str = "",
    token: Token | str | None,
    hosts: tuple[str, ...] = (),
    reload: Callable[[], Changed] | None = None,
    admission: Admission | None = None,
    adapters: Sequence[Adapter] = (),
) -> AsyncIterator[Listening]:
    """Serves the API on `host` and `port`, or on the unix socket at `path`. Raises ConfigError if it cannot.

    `adapters` speak other protocols at paths of their own.
    """
    require_asyncio()
    if token is None and not path and not _is_loopback(host):
        raise ConfigError(f"{host} can be reached by others: the daemon listens there only with a token")
    admission = admission or Admission()
    app = application(jobs, token=token, hosts=(host, *hosts), admission=admission, reload=reload, adapters=adapters)
    runner = web.AppRunner(app, shutdown_timeout=STOP_S)
    try:
        await runner.setup()
        assert runner.server is not None
        admission.serve(partial(_wire, admission, runner.server))
        async with sockets.open_socket(host, port, path) as sock:
            told = Listening(f"unix:{path}", None) if path else _listening(host, sock.getsockname()[1])
            async with accept_connections(sock, admission, BACKLOG):
                yield told
            await runner.cleanup()
    finally:
        await runner.cleanup()
        admission.close()


def _wire(admission: Admission, server: web.Server) -> Wire:
    bounds = admission.bounds
    return Wire(
        admission, server, loop=asyncio.get_running_loop(), access_log=None, keepalive_timeout=bounds.idle_s,
        lingering_time=bounds.linger_s, max_line_size=MAX_LINE, max_headers=MAX_FIELDS,
    )  # fmt: skip


def _listening(host: str, port: int) -> Listening:
    return Listening(f"http://{f'[{host}]' if ':' in host else host}:{port}", port)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
