"""Opens one browser: its keeper, the line to it, and how well it is held in."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio

from ..runtime.threads import run_in_thread
from . import flags
from .cdp import BrowserGone, CommandFailed, Connection

START_S = 30.0
"""Time for a browser to answer its first command. It takes half a second on an idle machine."""
END_S = 8.0
"""Time for a keeper to end its browser."""
_KEEPER = Path(__file__).with_name("keeper.py")
_TAIL = 4096
"""Bytes of the browser's last words that are kept."""
_PLACE = re.compile(r"^\[[^\]]{1,200}\] ?")
"""Matches process, time and place in its source, with which the browser begins a line."""
_SHARED_MEMORY = Path("/dev/shm")
_LONGEST_PLACE = 40
"""Characters of the folder for temporary files; a socket's address has 107, and the browser's own part of it 45."""
_ROOMY = 512 << 20
"""Bytes of /dev/shm from which on the browser uses it. Containers have 64 MB, which one page can fill."""
_PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE")
"""Variables that the browser gets to see; no proxy, no bus and no secret is among them."""


class StartFailed(Exception):
    """The browser ended before it answered. The message is its last word."""


@dataclass(frozen=True, slots=True)
class BrowserTerms:
    """Terms that every browser of a crawl is started with."""

    program: str
    agent: str
    page_memory_bytes: int
    """Memory of one page, from which on it is ended."""
    most_memory_bytes: int
    """Memory of the whole browser, from which on it is ended."""
    has_namespace: bool = True
    has_sandbox: bool = True
    shows_images: bool = False


@dataclass(slots=True, eq=False)
class Browser:
    """One running browser."""

    connection: Connection
    pid: int
    """The process id of its keeper."""
    product: str = ""
    """Its name and version: `Chrome/156.0.8078.114`."""
    has_namespace: bool = False
    """Whether the kernel keeps it in an empty network."""
    memory_bytes: int = 0
    """Memory of all its processes, as its keeper last told."""
    on_memory: Callable[[], None] = field(default=lambda: None)
    """Called when its keeper has told its memory."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it can no longer be reached."""


@asynccontextmanager
async def open_browser(terms: BrowserTerms) -> AsyncIterator[Browser]:
    """Starts a browser, and ends it with all its processes. Raises StartFailed."""
    ours, theirs = socket.socketpair()
    folder = await run_in_thread(_make_folder)
    order = json.dumps(
        {
            "line": theirs.fileno(),
            "namespace": terms.has_namespace,
            "page_memory": terms.page_memory_bytes,
            "most_memory": terms.most_memory_bytes,
            "folder": str(folder),
            "command": _command(terms, folder),
        }
    )
    try:
        keeper = await run_in_thread(_start_keeper, order, theirs, folder)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    tail = _Tail()
    transports: list[asyncio.BaseTransport] = []
    loop = asyncio.get_running_loop()
    try:
        browser = Browser(Connection(), keeper.pid)
        browser.connection.on_end = browser.gone.set
        line, _ = await loop.create_unix_connection(lambda: _Line(browser), sock=ours)
        transports.append(line)
        transports.append((await loop.connect_read_pipe(lambda: browser.connection, keeper.stdout))[0])
        transports.append((await loop.connect_read_pipe(lambda: tail, keeper.stderr))[0])
        writer, _ = await loop.connect_write_pipe(lambda: _Ended(browser.connection.end), keeper.stdin)
        transports.append(writer)
        browser.connection.write_to(writer)
        browser.product = await _greet(browser, tail)
        yield browser
    finally:
        ours.close()
        for transport in transports:
            transport.close()
        with anyio.CancelScope(shield=True):
            await run_in_thread(_wait_for, keeper)


async def _greet(browser: Browser, tail: _Tail) -> str:
    """Returns the browser's name and version, once it answers. Raises StartFailed."""
    try:
        async with asyncio.timeout(START_S):
            said = await browser.connection.call("Browser.getVersion")
            await browser.connection.call("Target.setDiscoverTargets", discover=False)
    except TimeoutError as error:
        raise StartFailed(f"it did not answer within {START_S:g} s") from error
    except (BrowserGone, CommandFailed) as error:
        raise StartFailed(await tail.last_word()) from error
    return str(said.get("product", ""))


def _command(terms: BrowserTerms, folder: Path) -> list[str]:
    heap_mb = max(64, (terms.page_memory_bytes >> 20) // 2)
    made = flags.command(
        terms.program, folder / "profile", has_sandbox=terms.has_sandbox, heap_mb=heap_mb,
        shows_images=terms.shows_images, agent=terms.agent, has_shared_memory=_has_shared_memory(),
    )  # fmt: skip
    return list(made)


def _has_shared_memory() -> bool:
    try:
        room = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize >= _ROOMY


def _make_folder() -> Path:
    """Makes a folder for all files of a browser. Its name is short, for the browser puts a socket below it."""
    place = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="crawld-", dir=place if len(place) <= _LONGEST_PLACE else "/tmp"))


def _start_keeper(order: str, line: socket.socket, folder: Path) -> subprocess.Popen[bytes]:
    seen = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_KEEPER), order],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        pass_fds=[line.fileno()], start_new_session=True, cwd=folder,
        env={**seen, "HOME": str(folder), "TMPDIR": str(folder), "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
    )  # fmt: skip


def _wait_for(keeper: subprocess.Popen[bytes]) -> None:
    """Waits until the keeper has ended its browser; ends a keeper that does not."""
    try:
        keeper.wait(END_S)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()


class _Line(asyncio.Protocol):
    """Takes the messages of a keeper."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            said = cast("dict[str, Any]", json.loads(line))
            if "memory" in said:
                self._browser.memory_bytes = said["memory"]
                self._browser.on_memory()
            self._browser.has_namespace = said.get("namespace", self._browser.has_namespace)

    def connection_lost(self, error: Exception | None) -> None:
        self._browser.connection.end()


class _Ended(asyncio.BaseProtocol):
    """Hears that the browser takes no more commands."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end

    def connection_lost(self, error: Exception | None) -> None:
        self._on_end()


class _Tail(asyncio.Protocol):
    """Keeps the last words of a browser."""

    def __init__(self) -> None:
        self._text = b""
        self._over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._text = (self._text + data)[-_TAIL:]

    def connection_lost(self, error: Exception | None) -> None:
        self._over.set()

    async def last_word(self) -> str:
        """Returns the last line that says anything, shortly after the end."""
        with anyio.move_on_after(2):
            await self._over.wait()
        lines = [line.strip() for line in self._text.decode("utf-8", "replace").splitlines()]
        said = [_PLACE.sub("", line) for line in lines if line and "dbus" not in line]
        return said[-1][:300] if said else "it ended without a word"
