"""Thousands of sites that each take their time to answer: `python -m benchmarks.slow`, until stdin closes."""

import argparse
import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator

import uvloop

from benchmarks.site import NOT_FOUND, answer

ROBOTS = {"none": NOT_FOUND, "allow": answer(b"User-agent: *\nAllow: /\n", "text/plain")}


@contextlib.contextmanager
def slow_sites(count: int, delay_s: float, *, robots: str = "none") -> Iterator[list[str]]:
    """One URL for each of `count` sites, each on its own address; an answer takes `delay_s`, robots.txt nothing.

    Linux answers on all of 127.0.0.0/8; elsewhere the addresses have to be added to the loopback interface first.
    """
    command = [sys.executable, "-m", "benchmarks.slow", str(count), str(delay_s), robots]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield [f"http://{host}:{port}/" for host in _addresses(count)]
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


def _addresses(count: int) -> list[str]:
    return [f"127.{1 + index // 62_500}.{index // 250 % 250}.{1 + index % 250}" for index in range(count)]


async def _serve(count: int, delay_s: float, robots: bytes) -> None:
    loop = asyncio.get_running_loop()
    first, *rest = _addresses(count)
    listeners = [socket.create_server((first, 0), backlog=64)]
    port = listeners[0].getsockname()[1]
    listeners += [socket.create_server((host, port), backlog=64) for host in rest]
    for listener in listeners:
        await loop.create_server(lambda: Sleeper(delay_s, robots), sock=listener)
    print(port, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("delay_s", type=float)
    parser.add_argument("robots", choices=ROBOTS)
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a listener and some connections for every site
    uvloop.run(_serve(given.count, given.delay_s, ROBOTS[given.robots]))


if __name__ == "__main__":
    main()
