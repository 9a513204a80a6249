"""How fast the site itself answers, so that no figure of a crawler is in truth a figure of the server: `yardstick`."""

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvloop

from benchmarks.pages import Plan
from benchmarks.site import Site, serving

CONNECTIONS = 32


def main(_: Sequence[str] = ()) -> int:
    with serving(Plan()) as site:
        seconds = uvloop.run(_fetch_all(site))
    rate = site.plan.pages / seconds
    print(f"the site answers {rate:,.0f} requests/s to a bare client that shares the machine with it")
    return 0 if rate > 2000 else 1


async def _fetch_all(site: Site) -> float:
    targets = [url.encode() for url in site.expected()]
    began = time.perf_counter()
    await asyncio.gather(*(_fetch_some(site.plan.port, targets[lane::CONNECTIONS]) for lane in range(CONNECTIONS)))
    return time.perf_counter() - began


async def _fetch_some(port: int, urls: list[bytes]) -> None:
    transport, taker = await asyncio.get_running_loop().create_connection(_Taker, "127.0.0.1", port)
    for url in urls:
        parts = urlsplit(url)
        target = parts.path + (b"?" + parts.query if parts.query else b"")
        await taker.ask(b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    transport.close()


class _Taker(asyncio.Protocol):
    """Reads one answer of known length at a time and throws it away."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._missing = 0
        self._head = b""

    def ask(self, request: bytes) -> "asyncio.Future[None]":
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport.write(request)  # type: ignore[attr-defined]  # uvloop's class is not registered as a WriteTransport
        return self._answered

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = b""
            self._missing, data = int(head.rpartition(b"Content-Length: ")[2]), body
        self._missing -= len(data)
        if self._missing == 0:
            self._answered.set_result(None)


if __name__ == "__main__":
    raise SystemExit(main())
