"""Runs one daemon from its settings to its end: jobs, server, token, and reloading of settings."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..assembly import parts
from ..errors import ConfigError, CrawlError
from ..event_loop import require_asyncio
from ..folder.folder import translate_os_errors
from ..runtime.ownership import NOBODY, Trust
from ..runtime.private_files import replace_private_file
from ..settings import Config
from . import tokens
from .adapters import chosen_adapters
from .api import Jobs
from .http.safety import Token
from .http.server import Listening, open_server
from .opening import make_home, open_jobs
from .reload import Changed
from .settings import ADDRESS, DaemonConfig, load_daemon, token_file, trust_in

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sources:
    """The places that settings come from."""

    file: Path | None = None
    """The TOML file. None: there is none."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """The environment, for variables like `CRAWL_DAEMON__PORT`."""
    chosen: Mapping[str, object] = field(default_factory=dict)
    """The daemon's own settings from the command line."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings of all jobs from the command line."""
    trust: Trust = NOBODY
    """Whether the file may belong to another account."""
    is_optional: bool = False
    """Whether the file may be missing; it is looked for again whenever settings are loaded."""

    @property
    def present_file(self) -> Path | None:
        """The file that is read. None: there is none, and none is needed."""
        if self.file is None or not self.is_optional:
            return self.file
        try:
            self.file.stat()
        except FileNotFoundError:
            return None
        except OSError:  # it says why it cannot be read when it is read
            pass
        return self.file

    def load(self) -> tuple[DaemonConfig, Config]:
        """Loads the daemon's own settings and those of all jobs. Raises ConfigError, which names everything wrong."""
        daemon, base = load_daemon(self.present_file, self.environ, self.chosen, self.settings, trust=self.trust)
        parts.scope(base)  # its patterns
        return daemon, base


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that listens."""

    jobs: Jobs
    """All its jobs."""
    listening: Listening
    """The address that it listens on."""
    token: Token
    """The token that clients send."""
    token_file: Path
    """The file that holds the token."""
    _sources: Sources

    def reload(self) -> Changed:
        """Reads settings and token again, and applies them. Raises ConfigError; then nothing has changed."""
        return _reload(self.jobs, self.token, self.token_file, self._sources)


@asynccontextmanager
async def open_daemon(sources: Sources) -> AsyncIterator[Daemon]:
    """Opens a daemon that has resumed its jobs and listens. At the end, visits under way get `grace_s` to finish.

    Raises ConfigError, FolderError, StorageFull, StoreError.
    """
    require_asyncio()
    config, base = sources.load()
    data = Path(config.data)
    path = token_file(config)
    make_home(data, trust_in(config))
    token = Token(tokens.read_or_make(path, trust=trust_in(config)))
    async with open_jobs(config, data, base) as jobs:

        def reload() -> Changed:
            return _reload(jobs, token, path, sources)

        async with open_server(
            jobs, host=config.host, port=config.port, path=config.socket, token=token, hosts=config.allowed_hosts,
            reload=reload, adapters=chosen_adapters(config),
        ) as listening:  # fmt: skip
            address = data / ADDRESS
            with translate_os_errors(data), replace_private_file(address) as file:
                file.write(f"{listening.url}\n".encode())
            try:
                yield Daemon(jobs, listening, token, path, sources)
            finally:
                address.unlink(missing_ok=True)


def _reload(jobs: Jobs, token: Token, path: Path, sources: Sources) -> Changed:
    try:
        config, base = sources.load()
        try:
            text = tokens.read(path, trust_in(config))
        except FileNotFoundError:
            raise ConfigError(f"{path} is gone: put a token there") from None
    except CrawlError as error:
        log.error("the settings stay as they were: %s", error)
        raise
    told = jobs.adopt(config, base)
    if text != token.text:
        token.text = text
        told = Changed((*told.applied, "token"), told.needs_restart)
    log.info("settings reloaded: %s", _words(told))
    return told


def _words(told: Changed) -> str:
    applied = f"in effect now: {', '.join(told.applied)}" if told.applied else "nothing changed"
    waits = f"; after a restart of the daemon: {', '.join(told.needs_restart)}" if told.needs_restart else ""
    return applied + waits
