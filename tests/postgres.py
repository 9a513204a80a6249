"""A PostgreSQL server of its own on loopback, for tests that need a real one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

PASSWORD = "hush-hush-7"
"""Must be seen nowhere."""
ACCOUNT = "postgres"
"""The server refuses to run as root; it runs as this account then."""


def find_programs() -> Path | None:
    """Returns the folder with `initdb` and `postgres`; None: there is no server on this machine."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists() and (place / "initdb").exists()), None)


def why_not() -> str:
    """Returns why there can be no server; empty: there can."""
    if find_programs() is None:
        return "there is no PostgreSQL server on this machine (initdb, postgres)"
    if os.geteuid() == 0 and _find_account() is None:
        return f"a PostgreSQL server does not run as root, and there is no account {ACCOUNT}"
    return ""


def _find_account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return None


@dataclass(slots=True)
class Server:
    """A server that can be stopped and started."""

    folder: Path
    programs: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://crawl:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        said = [f"-c{name}={value}" for name, value in settings.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *said], stdout=log, stderr=log, **as_account()
            )

    def stop(self) -> None:
        """Ends it as a crash would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def crash(self) -> None:
        """Kills it and all its helpers, as a crash of the machine would."""
        if self.process is not None:
            children = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, check=False
            )
            for one in (self.process.pid, *map(int, children.stdout.split())):
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            self.process.wait(30)
            self.process = None

    async def ask(self, question: str, *values: object) -> list[Any]:
        """Returns the rows of an answer. Waits for a server that is starting."""
        import anyio

        with anyio.fail_after(60):
            while True:
                try:
                    connection = await asyncpg.connect(self.url)
                    break
                except (OSError, asyncpg.CannotConnectNowError):
                    await anyio.sleep(0.05)
        try:
            return [tuple(row) for row in await connection.fetch(question, *values)]
        finally:
            await connection.close()


def as_account() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    account = _find_account()
    assert account is not None
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}


@contextmanager
def open_server() -> Iterator[Server]:
    """Makes a server and runs it while the block lasts."""
    programs = find_programs()
    assert programs is not None, why_not()
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            account = _find_account()
            assert account is not None
            for path in (folder, secret):
                os.chown(path, account.pw_uid, account.pw_gid)
        subprocess.run(
            [
                programs / "initdb", "-D", folder / "data", "-U", "crawl", "--no-sync", "-A", "scram-sha-256",
                "--pwfile", secret, "-E", "UTF8", "--locale", "C",
            ],
            check=True, stdout=subprocess.DEVNULL, **as_account(),
        )  # fmt: skip
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Server(folder, programs, port)
        server.start()
        try:
            yield server
        finally:
            server.stop()


async def make_engine_with_set_clock(server: Server) -> None:
    """Makes an engine whose clock shows what stands in a table."""
    from crawler.backends.postgres import PostgresEngine

    await server.ask("SELECT 1")  # it is up
    for _ in range(2):  # the second node finds it
        async with PostgresEngine.open(server.url):
            pass
    await server.ask("CREATE TABLE now (at timestamptz)")
    await server.ask("INSERT INTO now VALUES (clock_timestamp())")
    await server.ask(
        "CREATE OR REPLACE FUNCTION crawld.clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
        " AS 'SELECT at FROM public.now'"
    )
