"""Listens: on loopback or a unix socket, or with a token anywhere."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address

from aiohttp import web

from ...errors import ConfigError
from ..jobs import Changed, Jobs
from .app import application
from .porch import Porch
from .safety import Token

KEEP_ALIVE_S = 20.0
STOP_S = 3.0
"""What requests under way get when the daemon stops."""
BACKLOG = 512
MAX_LINE = 1 << 15
"""Bytes of a request's first line: a URL to be explained may be long."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the daemon can be reached."""

    url: str
    """`http://127.0.0.1:7878`, or `unix:/path`."""
    port: int | None


@asynccontextmanager
async def open_server(
    jobs: Jobs,
    *,
    host: str,
    port: int,
    path: str = "",
    token: Token | str | None,
    hosts: tuple[str, ...] = (),
    reload: Callable[[], Changed] | None = None,
    porch: Porch | None = None,
) -> AsyncIterator[Listening]:
    """The API on `host` and `port`, or on the unix socket at `path`. Raises ConfigError where it may or can not."""
    if token is None and not path and not _is_loopback(host):
        raise ConfigError(f"{host} can be reached by others: the daemon listens there only with a token")
    porch = porch or Porch()
    app = application(jobs, token=token, hosts=(host, *hosts), porch=porch, reload=reload)
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=KEEP_ALIVE_S, shutdown_timeout=STOP_S, max_line_size=MAX_LINE
    )
    await runner.setup()
    try:
        assert runner.server is not None
        porch.serve(runner.server)
        loop = asyncio.get_running_loop()
        if path:
            server = await loop.create_unix_server(porch, sock=_unix_socket(path), backlog=BACKLOG)
            listening = Listening(f"unix:{path}", None)
        else:
            server = await loop.create_server(porch, sock=_tcp_socket(host, port), backlog=BACKLOG)
            listening = _listening(host, server.sockets[0].getsockname()[1])
        async with server:
            yield listening
            server.close()
            await runner.cleanup()
    finally:
        await runner.cleanup()


def _listening(host: str, port: int) -> Listening:
    return Listening(f"http://{f'[{host}]' if ':' in host else host}:{port}", port)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tcp_socket(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened on ({_why(error)}): choose another port with --port, or 0 for any"
        ) from error


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _unix_socket(path: str) -> socket.socket:
    """Made so that nobody but its owner can connect; one that a dead daemon left is replaced."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        _remove_stale(path)
        sock.bind(path)
    except BaseException as error:
        sock.close()
        if isinstance(error, OSError):
            raise ConfigError(f"{path} cannot be listened on: {_why(error)}") from error
        raise
    finally:
        os.umask(before)
    return sock


def _remove_stale(path: str) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise ConfigError(f"{path} is no socket, and it is not overwritten: listen somewhere else")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            return  # there is none
        else:
            raise ConfigError(f"{path} belongs to a daemon that is running")
