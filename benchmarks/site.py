"""Serves a site of `pages.py`, faster than any crawler asks: `python -m benchmarks.site` runs until stdin closes."""

import argparse
import asyncio
import contextlib
import gzip
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import uvloop

from benchmarks.pages import FORBIDDEN, ROBOTS, STYLE, Place, Plan, lay_out, write

Answers = Mapping[bytes, bytes]
"""Request target to the whole answer, head and body."""

GZIP_LEVEL = 6
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Site:
    """A site being served."""

    url: str
    plan: Plan
    name_server: str = ""
    """Who knows the names of its hosts: address and port; empty: they are addresses."""
    authority: str = ""
    """A PEM file with the authority that vouches for its hosts; empty: they speak no TLS."""

    def expected(self) -> dict[str, str]:
        """The title under every address that a complete crawl must bring home."""
        return {place.url(self.plan.port): place.title for place in lay_out(self.plan)}

    @property
    def within(self) -> str:
        """How the URLs of all its hosts begin."""
        if self.plan.is_modern:
            return "https://h"
        return self.url if self.plan.hosts == 1 else "http://127.0.0."


@contextlib.contextmanager
def serving(plan: Plan) -> Iterator[Site]:
    """The site in a process of its own, so that its work is not counted as the crawler's."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.site",
        "--pages",
        str(plan.pages),
        "--hosts",
        str(plan.hosts),
        "--seed",
        str(plan.seed),
        *(["--gzip"] if plan.is_packed else []),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the benchmark site did not start; its message stands above")
        yield Site(url, replace(plan, port=int(url.rstrip("/").rpartition(":")[2])))
        process.stdin.close()


class Speaker(asyncio.Protocol):
    """HTTP/1.1 as far as a GET needs it: keep-alive, pipelining, nothing looked at twice."""

    def __init__(self, hosts: Mapping[str, Answers]) -> None:
        self._hosts = hosts
        self._answers: Answers = {}
        self._transport: asyncio.WriteTransport
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's class is not registered as one
        self._answers = self._hosts[transport.get_extra_info("sockname")[0]]

    def data_received(self, data: bytes) -> None:
        *heads, self._pending = (self._pending + data).split(b"\r\n\r\n")
        for head in heads:
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        target = head.split(b" ", 2)[1]
        self._transport.write(self._answers.get(target, NOT_FOUND))
        if b"connection: close" in head.lower():
            self._transport.close()


def answer(body: bytes, content_type: str = "text/html; charset=utf-8", coding: str = "") -> bytes:
    coded = f"Content-Encoding: {coding}\r\n" if coding else ""
    head = f"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: {content_type}\r\n{coded}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _render(plan: Plan, places: list[Place]) -> dict[str, dict[bytes, bytes]]:
    common = {
        b"/robots.txt": answer(ROBOTS, "text/plain"),
        STYLE.encode(): answer(b"body { margin: 2em }", "text/css"),
        FORBIDDEN.encode(): answer(b"<title>robots.txt was not obeyed</title>"),
    }
    hosts = {place.host: dict(common) for place in places}
    for place, body in write(plan, places):
        told = answer(gzip.compress(body, GZIP_LEVEL), coding="gzip") if plan.is_packed else answer(body)
        hosts[place.host][place.target.encode()] = told
    return hosts


async def _serve(plan: Plan) -> None:
    loop = asyncio.get_running_loop()
    first = socket.create_server(("127.0.0.1", 0), backlog=1024)
    plan = replace(plan, port=first.getsockname()[1])
    hosts = _render(plan, lay_out(plan))
    others = [socket.create_server((host, plan.port), backlog=1024) for host in hosts if host != "127.0.0.1"]
    for listener in (first, *others):
        await loop.create_server(lambda: Speaker(hosts), sock=listener)
    print(f"http://127.0.0.1:{plan.port}/", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def _arguments() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description=__doc__)
    parser.add_argument("--pages", type=int, default=Plan().pages)
    parser.add_argument(
        "--hosts",
        type=int,
        default=Plan().hosts,
        help="spread over 127.0.0.1 .. 127.0.0.N (Linux answers on all of them)",
    )
    parser.add_argument("--seed", type=int, default=Plan().seed)
    parser.add_argument("--gzip", action="store_true", help="serve pages as gzip")
    given = parser.parse_args()
    return Plan(given.pages, given.hosts, seed=given.seed, is_packed=given.gzip)


if __name__ == "__main__":
    uvloop.run(_serve(_arguments()))
