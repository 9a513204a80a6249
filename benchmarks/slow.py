"""Thousands of sites that each take their time to answer: `python -m benchmarks.slow`, until stdin closes."""

import argparse
import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence

import uvloop

from benchmarks.site import NOT_FOUND, answer

SITES_A_PROCESS = 5000  # a listener and a connection each: half of what a process may usually open
ROBOTS = {"none": NOT_FOUND, "allow": answer(b"User-agent: *\nAllow: /\n", "text/plain")}


@contextlib.contextmanager
def slow_sites(count: int, delay_s: float, *, robots: str = "none") -> Iterator[list[str]]:
    """One URL for each of `count` sites, each on its own address; an answer takes `delay_s`, robots.txt nothing.

    Linux answers on all of 127.0.0.0/8; elsewhere the addresses have to be added to the loopback interface first.
    """
    with contextlib.ExitStack() as processes:
        seeds: list[str] = []
        for first in range(0, count, SITES_A_PROCESS):
            number = min(SITES_A_PROCESS, count - first)
            port = processes.enter_context(_slow_process(first, number, delay_s, robots))
            seeds += [f"http://{host}:{port}/" for host in _addresses(first, number)]
        yield seeds


@contextlib.contextmanager
def _slow_process(first: int, count: int, delay_s: float, robots: str) -> Iterator[int]:
    """Some of the sites in a process of their own; yields their port."""
    command = [sys.executable, "-m", "benchmarks.slow", str(first), str(count), str(delay_s), robots]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


class Sleeper(asyncio.Protocol):
    """Answers a GET after a while, without holding anything but a timer."""

    def __init__(self, delay_s: float, robots: bytes) -> None:
        self._delay_s = delay_s
        self._robots = robots
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        host = transport.get_extra_info("sockname")[0]
        self._body = answer(f"<!DOCTYPE html><title>{host}</title><p>{host} took its time.".encode())

    def data_received(self, data: bytes) -> None:
        *heads, self._pending = (self._pending + data).split(b"\r\n\r\n")
        for head in heads:
            if head.startswith(b"GET /robots.txt "):
                self._write(self._robots)
            else:
                asyncio.get_running_loop().call_later(self._delay_s, self._write, self._body)

    def _write(self, data: bytes) -> None:
        self._transport.write(data)  # type: ignore[attr-defined]  # uvloop's class is not registered as a WriteTransport


def _addresses(first: int, count: int) -> list[str]:
    numbers = range(first, first + count)
    return [f"127.{1 + index // 62_500}.{index // 250 % 250}.{1 + index % 250}" for index in numbers]


async def _serve(hosts: Sequence[str], delay_s: float, robots: bytes) -> None:
    loop = asyncio.get_running_loop()
    one, *rest = hosts
    listeners = [socket.create_server((one, 0), backlog=64)]
    port = listeners[0].getsockname()[1]
    listeners += [socket.create_server((host, port), backlog=64) for host in rest]
    for listener in listeners:
        await loop.create_server(lambda: Sleeper(delay_s, robots), sock=listener)
    print(port, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow", description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("delay_s", type=float)
    parser.add_argument("robots", choices=ROBOTS)
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a listener and some connections for every site
    uvloop.run(_serve(_addresses(given.first, given.count), given.delay_s, ROBOTS[given.robots]))


if __name__ == "__main__":
    main()
