"""A Redis or Valkey server of its own on a Unix socket and a port of loopback, for tests that need a real one."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

PASSWORD = "hush-hush-8"
"""Must be seen nowhere."""
START_S = 20.0
SAFE = {"appendonly": "yes", "appendfsync": "everysec", "aof-timestamp-enabled": "yes"}


def find_program() -> str | None:
    """Returns the server's program; None: there is none on this machine."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


def why_not() -> str:
    """Returns why there can be no server; empty: there can."""
    return "" if find_program() else "there is no Redis server on this machine (redis-server or valkey-server)"


@dataclass(slots=True)
class RedisServer:
    """A server that can be stopped and started."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=lambda: SAFE)
    password: str = PASSWORD
    port: int = 0
    databases: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        return self.folder / "s"

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@{self.path}?db={database}"

    def tcp_url(self, port: int) -> str:
        """Returns the URL of the newest database behind another port of this machine."""
        return f"redis://:{self.password}@127.0.0.1:{port}/{self.databases}"

    def new_url(self) -> str:
        """Returns the URL of a database that no test had before."""
        self.databases += 1
        return self.url(self.databases)

    def start(self) -> None:
        """Starts it, and waits until it has read its file."""
        program = find_program()
        assert program is not None, why_not()
        given = {
            "port": str(self.port), "bind": "127.0.0.1",
            "unixsocket": str(self.path), "requirepass": self.password, "dir": str(self.folder),
            "save": "", "databases": "64", "daemonize": "no", "auto-aof-rewrite-percentage": "0", **self.settings,
        }  # fmt: skip
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([program, *words], stdout=log, stderr=log)
        ends = time.monotonic() + START_S
        while True:
            try:
                self.ask("PING")
                return
            except Exception:
                if time.monotonic() > ends or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Ends it as an operator would: what it was told is on the disk."""
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        """Kills it."""
        self._end(signal.SIGKILL)

    def lose_seconds(self, seconds: float, moments: Random) -> int:
        """Cuts off what was told in the last seconds, as a power cut would; returns how many bytes.

        The cut is behind any one command. The server was killed before.
        """
        [path] = (self.folder / "appendonlydir").glob("*.incr.aof")
        data = path.read_bytes()
        ends, times = _commands(data)
        last = max(times)
        chosen = [end for end, at in zip(ends, times, strict=True) if last - seconds <= at]
        end = moments.choice(chosen[: max(1, len(chosen) // 4)])
        path.write_bytes(data[:end])
        return len(data) - end

    def _end(self, word: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(word)
            self.process.wait(30)
            self.process = None

    def ask(self, *words: object, database: int = 0) -> Any:
        """Returns the answer to a command."""
        import redis

        client: Any = redis.Redis(unix_socket_path=str(self.path), password=self.password, db=database)
        try:
            return client.execute_command(*words)
        finally:
            client.close()


def _commands(data: bytes) -> tuple[list[int], list[float]]:
    """Returns where the commands of a file end, and about when each was written, in Unix seconds."""
    ends, times, at, now = list[int](), list[float](), 0, 0.0
    while at < len(data):
        line_end = data.index(b"\r\n", at)
        line = data[at:line_end]
        at = line_end + 2
        if line.startswith(b"#TS:"):
            now = float(line[4:])
        elif line.startswith(b"*"):
            for _ in range(int(line[1:])):
                line_end = data.index(b"\r\n", at)
                at = line_end + 2 + int(data[at + 1 : line_end]) + 2
            ends.append(at)
            times.append(now)
    return ends, times


@contextmanager
def open_redis(settings: Mapping[str, str] = SAFE) -> Iterator[RedisServer]:
    """Makes a server and runs it while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = RedisServer(Path(name), settings, port=port)
        server.start()
        try:
            yield server
        finally:
            server.crash()
