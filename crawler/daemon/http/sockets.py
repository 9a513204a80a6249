"""Makes the socket that the daemon listens on: TCP, or a unix socket that only its owner can connect to."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ...errors import ConfigError


@asynccontextmanager
async def open_socket(host: str, port: int, path: str) -> AsyncIterator[socket.socket]:
    """Opens a socket at `path`, or, if that is empty, at `host` and `port`. Raises ConfigError if it cannot."""
    if not path:
        yield _tcp_socket(host, port)
        return
    sock = _unix_socket(path)
    own = os.lstat(path)
    try:
        yield sock
    finally:
        with suppress(OSError):
            if os.path.samestat(os.lstat(path), own):
                os.unlink(path)


def _tcp_socket(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened on ({_why(error)}): choose another port with --port, or 0 for any"
        ) from error


def _unix_socket(path: str) -> socket.socket:
    """Makes a unix socket that only its owner can connect to. The socket of a dead daemon is replaced."""
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
    """Removes our own socket if nobody listens on it. Raises ConfigError if anything else is at the path."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(there.st_mode):
        raise ConfigError(f"{path} exists already and is not a socket: choose another path, or remove it")
    if there.st_uid != os.geteuid():
        raise ConfigError(f"{path} is a socket of another user (uid {there.st_uid}): choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            raise ConfigError(f"{path} belongs to a daemon that is running")


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
