"""The unix socket: its owner's alone, whatever lies at its path before and whoever connects."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import uvloop

from crawler import ConfigError
from crawler.daemon import DaemonConfig, open_jobs
from crawler.daemon.client import open_client
from crawler.daemon.http.admission import Admission
from crawler.daemon.http.bounds import Bounds, Closed
from crawler.daemon.http.server import open_server

from ..conftest import BASE, Open
from .conftest import TOKEN

NOBODY = 65534
OTHER = 65533
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a while")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter."""
    with tempfile.TemporaryDirectory(prefix="crawld-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def being(user: int) -> Iterator[None]:
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_unix_socket_is_its_owners_alone(open_daemon: Open, tmp_path: Path) -> None:
    path = tmp_path / "daemon.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    async with open_daemon() as jobs:
        async with open_server(jobs, host="", port=0, path=str(path), token=TOKEN):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as http:
                async with http.get("http://localhost/v1/jobs", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
                    assert answer.status == 200
            with pytest.raises(ConfigError, match="running"):
                async with open_server(jobs, host="", port=0, path=str(path), token=TOKEN):
                    pass
        assert not path.exists()


@pytest.mark.parametrize(
    "planted", ["a file", "a folder", "a link to a file", "a link to nothing", "a link to a socket"]
)
async def test_what_lies_at_its_path_and_is_no_socket_of_ours_stays(
    open_daemon: Open, tmp_path: Path, planted: str
) -> None:
    path, target = tmp_path / "daemon.sock", tmp_path / "target"
    with socket.socket(socket.AF_UNIX) as left_over:
        if planted == "a file":
            path.write_text("mine")
        elif planted == "a folder":
            path.mkdir()
        else:
            path.symlink_to(target)
            if planted == "a link to a file":
                target.write_text("mine")
            if planted == "a link to a socket":
                left_over.bind(str(target))
        before = path.lstat(), target.exists()
        async with open_daemon() as jobs:
            with pytest.raises(ConfigError, match="not a socket"):
                async with open_server(jobs, host="", port=0, path=str(path), token=TOKEN):
                    pass
        assert (path.lstat(), target.exists()) == before


@as_root
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_another_user_is_not_let_in_even_where_the_mode_would(tmp_path: Path, loop: str) -> None:
    async def story(path: Path) -> None:
        admission = Admission()
        async with (
            open_jobs(DaemonConfig(), tmp_path / "data", BASE) as jobs,
            open_server(jobs, host="", port=0, path=str(path), token=TOKEN, admission=admission),
        ):
            path.chmod(0o777)
            assert await _asked_by(path, NOBODY) == b""
            assert admission.closed[Closed.FOREIGN] == 1
            assert await _asked_by(path, 0) == b"HTTP/1.1 200"

    factory = uvloop.new_event_loop if loop == "uvloop" else None
    with open_folder() as folder, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(story(folder / "daemon.sock"))


async def _asked_by(path: Path, user: int) -> bytes:
    """The beginning of the answer; who connects is noted by the kernel at that moment."""
    sock = socket.socket(socket.AF_UNIX)
    with being(user):
        sock.connect(str(path))
    reader, writer = await asyncio.open_unix_connection(sock=sock)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with suppress(ConnectionError):
            return await reader.read(12)
        return b""
    finally:
        writer.transport.abort()


async def test_its_clients_are_no_strangers(open_daemon: Open, tmp_path: Path) -> None:
    path, admission = tmp_path / "daemon.sock", Admission(Bounds(strangers=0, of_one_address=0))
    async with (
        open_daemon() as jobs,
        open_server(jobs, host="", port=0, path=str(path), token=TOKEN, admission=admission),
    ):
        there = [await asyncio.open_unix_connection(str(path)) for _ in range(5)]
        async with open_client(f"unix:{path}", TOKEN) as client:
            assert (await client.ask("GET", "/v1/jobs"))["items"] == []
            assert (admission.inside, admission.strangers) == (6, 0)
        for _, writer in there:
            writer.close()


@as_root
async def test_a_client_tells_its_token_to_no_socket_of_another_user() -> None:
    with open_folder() as folder, socket.socket(socket.AF_UNIX) as planted:
        planted.bind(str(folder / "planted.sock"))
        os.chown(folder / "planted.sock", NOBODY, NOBODY)
        with being(OTHER), pytest.raises(ConfigError, match="another user"):
            async with open_client(f"unix:{folder}/planted.sock", TOKEN):
                pass
