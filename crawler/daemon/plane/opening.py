"""Opens a control plane: its socket, its token, and the engine behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from ...api.engines import open_engine
from ...errors import ConfigError
from ...event_loop import require_asyncio
from .. import tokens
from ..daemon import Sources
from ..http import sockets
from ..http.safety import Token
from ..http.server import Listening
from ..opening import make_home
from ..owners import Rule, clamp_to_bounds
from ..settings import DaemonConfig, token_file, trust_in
from .app import application

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
STOP_S = 3.0


@dataclass(frozen=True, slots=True)
class Plane:
    """A control plane that listens."""

    listening: Listening
    """The address that it listens on."""
    token: Token
    """The token that clients send."""
    token_file: Path
    """The file that holds the token."""
    place: str
    """The engine, without a password."""


@asynccontextmanager
async def open_plane(sources: Sources, url: str) -> AsyncIterator[Plane]:
    """Serves the crawls of an engine as jobs. Raises ConfigError, FolderError, FrontierError."""
    require_asyncio()
    config, base = sources.load()
    _refuse(config)
    path = token_file(config)
    make_home(Path(config.data), trust_in(config))
    token = Token(tokens.read_or_make(path, trust=trust_in(config)))
    async with open_engine(url) as engine:
        app = application(engine, Rule(clamp_to_bounds(base, config.bounds), config.bounds), token, _hosts(config))
        runner = web.AppRunner(app, shutdown_timeout=STOP_S, access_log=None)
        try:
            await runner.setup()
            async with sockets.open_socket(config.host, config.port, config.socket) as sock:
                await web.SockSite(runner, sock).start()
                yield Plane(_listening(config, sock.getsockname()), token, path, engine.place)
                await runner.cleanup()
        finally:
            await runner.cleanup()


def _refuse(config: DaemonConfig) -> None:
    """Raises ConfigError for settings that need a daemon of its own."""
    if config.adapters:
        raise ConfigError("daemon.adapters: a control plane speaks its own protocol alone: leave out --adapter")
    if config.webhooks:
        raise ConfigError("daemon.webhooks: a control plane sends no webhooks: run `crawl serve` without --engine")


def _hosts(config: DaemonConfig) -> frozenset[str]:
    return LOCAL_NAMES | {host.lower() for host in (config.host, *config.allowed_hosts)}


def _listening(config: DaemonConfig, name: Any) -> Listening:
    if config.socket:
        return Listening(f"unix:{config.socket}", None)
    host = f"[{config.host}]" if ":" in config.host else config.host
    return Listening(f"http://{host}:{name[1]}", int(name[1]))
