"""Serves the pages in a process of its own, each after a while: `python -m crawler.bench.server LATENCY_MS`.

It prints its address in one line, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from crawler.bench.pages import make_pages
from crawler.event_loop import loop_factory

_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
WAITING = b"/w/"
"""Pages below this path come after the latency, all others at once."""


class _Speaker(asyncio.Protocol):
    """Speaks HTTP/1.1 as far as a GET needs it."""

    def __init__(self, answers: list[bytes], latency_s: float) -> None:
        self._answers = answers
        self._latency_s = latency_s
        self._begun = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._begun = (self._begun + data).split(b"\r\n\r\n")
        for head in heads:
            target = head.split(b" ", 2)[1]
            number = target.rpartition(b"/")[2] or b"0"
            answer = self._answers[int(number) % len(self._answers)] if number.isdigit() else _MISSING
            if target.startswith(WAITING):
                asyncio.get_running_loop().call_later(self._latency_s, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def _serve(latency_s: float) -> None:
    answers = [_with_head(page) for page in make_pages()]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Speaker(answers, latency_s), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


def _with_head(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(float(sys.argv[1]) / 1000))
