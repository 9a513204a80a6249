"""TLS beyond its first handshake: long chains, further handshakes, sessions that are taken up again."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import ssl
import subprocess
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from crawler.errors import FetchError
from crawler.fetch import HttpFetcher
from crawler.model import Reason, Request, Url
from tests.fetch.conftest import ok, open_loopback
from tests.fetch.test_trouble import leaving_nothing, setback

PEM = Path(__file__).with_name("secure.test.pem")
OPENSSL = shutil.which("openssl") or ""


def certificate() -> str:
    text = PEM.read_text()
    return text[text.index("-----BEGIN CERTIFICATE") :]


@asynccontextmanager
async def serving(
    context: ssl.SSLContext, answer: bytes = ok(b"in confidence", b"Connection: close")
) -> AsyncIterator[int]:
    """The port of a TLS server that answers each request so."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ok(b"in confidence", b"Connection: close"))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def secure(**settings: Any) -> AsyncIterator[HttpFetcher]:
    """A fetcher that trusts the servers here."""
    async with open_loopback(hosts={"secure.test": "127.0.0.1"}, ca_file=str(PEM), **settings) as fetcher:
        yield fetcher


def server_context(pem: Path = PEM) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize(("links", "is_taken"), [(1, True), (60, True), (400, False)])
async def test_a_chain_of_certificates_is_bounded(links: int, is_taken: bool, tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_text(PEM.read_text() + certificate() * (links - 1))
    async with serving(server_context(chain)) as port, secure() as fetcher:
        url = f"https://secure.test:{port}/"
        if is_taken:
            response = await fetcher.fetch(Request(Url(url)))
            assert response.body == b"in confidence"
            response.release()
        else:
            assert (await setback(fetcher, url))[0] is Reason.TLS


async def test_no_session_is_taken_up_again_so_that_no_server_knows_a_crawl_by_it() -> None:
    reused: list[bool | None] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reused.append(writer.get_extra_info("ssl_object").session_reused)
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ok(b"once", b"Connection: close"))
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=server_context())
    port = server.sockets[0].getsockname()[1]
    async with secure() as fetcher:
        for _ in range(3):
            (await fetcher.fetch(Request(Url(f"https://secure.test:{port}/")))).release()
    server.close()
    await server.wait_closed()
    assert reused == [False, False, False]


@pytest.mark.parametrize("protocol", ["h2", "spdy/3"])
async def test_a_server_that_knows_other_protocols_is_spoken_to_in_http_1(protocol: str) -> None:
    context = server_context()
    context.set_alpn_protocols([protocol])
    async with serving(context) as port, secure() as fetcher:
        response = await fetcher.fetch(Request(Url(f"https://secure.test:{port}/")))
        assert response.body == b"in confidence"
        response.release()


# --- a server that asks for further handshakes, which only TLS 1.2 and earlier have ---


@dataclass
class Spoken:
    """`openssl s_server`: what it is told on its input is what it says; a line of `r` asks for another handshake."""

    process: asyncio.subprocess.Process
    port: int
    mouth: int
    """The end of its input that we write to."""

    async def say(self, text: bytes) -> None:
        """Returns when the server has read it: what it reads together with more is a text, whatever its first line."""
        os.write(self.mouth, text)
        async with asyncio.timeout(20):
            while any(fcntl.ioctl(self.mouth, termios.FIONREAD, bytes(4))):
                await asyncio.sleep(0.001)

    async def hear(self, text: bytes) -> None:
        assert self.process.stdout
        async with asyncio.timeout(20):
            while text not in await self.process.stdout.readline():
                pass


@asynccontextmanager
async def spoken(pem: Path = PEM, *options: str) -> AsyncIterator[Spoken]:
    command = [OPENSSL, "s_server", "-tls1_2", "-cert", str(pem), "-accept", "127.0.0.1:0", *options]
    ear, mouth = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *command, stdin=ear, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    os.close(ear)
    try:
        assert process.stdout
        async with asyncio.timeout(20):
            while not (line := await process.stdout.readline()).startswith(b"ACCEPT 127.0.0.1:"):
                pass
        yield Spoken(process, int(line.rpartition(b":")[2]), mouth)
    finally:
        os.close(mouth)
        process.kill()
        await process.wait()


async def asked(server: Spoken, fetcher: HttpFetcher) -> asyncio.Task[bytes]:
    """The exchange under way, its request read by the server."""

    async def fetch() -> bytes:
        response = await fetcher.fetch(Request(Url(f"https://secure.test:{server.port}/")))
        response.release()
        return response.body

    task = asyncio.create_task(fetch())
    await server.hear(b"Accept-Encoding")
    return task


@pytest.mark.skipif(not OPENSSL, reason="no openssl command on this machine")
async def test_a_server_may_ask_for_another_handshake_amid_its_answer() -> None:
    async with spoken() as server, leaving_nothing(server.port, ca_file=str(PEM)) as fetcher:
        task = await asked(server, fetcher)
        await server.say(b"HTTP/1.1 200 OK\nConnection: close\nContent-Length: 7\n\nabc\n")
        await server.say(b"r\n")
        await server.hear(b"SSL_do_handshake")
        await server.say(b"def")  # all of the answer: now the connection ends, and the server reads nothing further
        assert await task == b"abc\ndef"


@pytest.mark.skipif(not OPENSSL, reason="no openssl command on this machine")
async def test_a_server_that_does_nothing_but_shake_hands_is_too_slow() -> None:
    async with spoken() as server, secure(slow_after_s=0.3) as fetcher:
        task = await asked(server, fetcher)
        await server.say(b"HTTP/1.1 200 OK\nContent-Length: 100000\n\nabc\n")
        async with asyncio.timeout(20):
            while not task.done():
                await server.say(b"r\n")
                await asyncio.sleep(0.002)
        error = task.exception()
        assert isinstance(error, FetchError)
        assert error.reason is Reason.TOO_SLOW


@pytest.mark.skipif(not OPENSSL, reason="no openssl command on this machine")
async def test_no_server_chooses_a_group_that_is_slow_to_compute_in(tmp_path: Path) -> None:
    pem = tmp_path / "rsa.pem"
    command = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=secure.test"]
    await anyio.run_process([*command, "-keyout", str(pem), "-out", str(tmp_path / "cert.pem")])
    pem.write_text(pem.read_text() + (tmp_path / "cert.pem").read_text())
    async with (
        spoken(pem, "-cipher", "DHE-RSA-AES128-GCM-SHA256") as server,
        open_loopback(hosts={"secure.test": "127.0.0.1"}, verify_tls=False) as fetcher,
    ):
        assert await setback(fetcher, f"https://secure.test:{server.port}/") == (Reason.TLS, True)
