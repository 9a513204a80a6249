"""Serves a site as today's web is, over TLS 1.3, compressed, with names: `python -m benchmarks.modern_site`."""

import argparse
import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import brotli
import uvloop

from benchmarks.pages import FORBIDDEN, ROBOTS, Plan, lay_out, write
from benchmarks.site import Answers, Site, Speaker, answer

ZONE = ".bench.test"
BR_OF_TEN = 7  # of ten pages come as br, the others as gzip
BR_LEVEL, GZIP_LEVEL = 5, 6  # as servers choose them that compress as they answer
TTL_S = 300
_A, _CLASS, _RECURSIVE = 1, 1, 0x8180  # RFC 1035; an answer of a recursive server without an error


@contextlib.contextmanager
def serving_modern(plan: Plan) -> Iterator[tuple[Site, str]]:
    """The site in a process of its own, with a word on the size of its pages; needs the openssl command."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        pem = _make_certificate(Path(folder))
        sizes = ["--pages", str(plan.pages), "--hosts", str(plan.hosts), "--seed", str(plan.seed)]
        command = [sys.executable, "-m", "benchmarks.modern_site", str(pem), *sizes]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said:
                raise RuntimeError("the benchmark site did not start; its message stands above")
            facts = json.loads(said)
            served = replace(plan, port=facts["port"])
            site = Site(lay_out(served)[0].url(served.port), served, f"127.0.0.1:{facts['name_server']}", str(pem))
            yield site, facts["sizes"]
            process.stdin.close()


def _make_certificate(folder: Path) -> Path:
    """Makes a certificate for all names of the zone, which vouches for itself; returns the file with it and its key."""
    pem = folder / "site.pem"
    subject = ["-subj", "/CN=bench", "-addext", f"subjectAltName=DNS:*{ZONE}"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(pem)]
    made = subprocess.run(
        ["openssl", "req", "-x509", *key, *subject, "-days", "2"], capture_output=True, text=True, check=True
    )
    with pem.open("a") as file:
        file.write(made.stdout)
    return pem


class NameServer(asyncio.DatagramProtocol):
    """Answers for an address of each host (RFC 1035), and that there is nothing else."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        labels, at = [], 12
        while length := data[at]:
            labels.append(data[at + 1 : at + 1 + length])
            at += 1 + length
        question, kind = data[12 : at + 5], struct.unpack_from("!H", data, at + 1)[0]
        address = self._addresses.get(b".".join(labels).decode().lower()) if kind == _A else None
        head = data[:2] + struct.pack("!5H", _RECURSIVE, 1, 1 if address else 0, 0, 0)
        found = struct.pack("!3HIH", 0xC00C, _A, _CLASS, TTL_S, 4) + socket.inet_aton(address) if address else b""
        self._transport.sendto(head + question + found, peer)


class Named(Speaker):
    """Speaks for the host that the client named in its handshake's request."""

    def data_received(self, data: bytes) -> None:
        if not self._answers:
            field = data.lower().partition(b"\r\nhost: ")[2].partition(b"\r\n")[0]
            self._answers = self._hosts[field.partition(b":")[0].decode()]
        super().data_received(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)


def _render(plan: Plan) -> tuple[dict[str, Answers], str]:
    places, sizes, packed_sizes = lay_out(plan), list[int](), list[int]()
    common = {
        b"/robots.txt": answer(ROBOTS, "text/plain"),
        FORBIDDEN.encode(): answer(b"<title>robots.txt was not obeyed</title>"),
    }
    hosts = {place.host: dict(common) for place in places}
    for place, body in write(plan, places):
        sizes.append(len(body))
        is_br = place.index % 10 < BR_OF_TEN
        coding = "br" if is_br else "gzip"
        packed = brotli.compress(body, quality=BR_LEVEL) if is_br else gzip.compress(body, GZIP_LEVEL)
        packed_sizes.append(len(packed))
        hosts[place.host][place.target.encode()] = answer(packed, coding=coding)
    kilobytes = [statistics.fmean(some) / 1000 for some in (sizes, packed_sizes)]
    return cast(dict[str, Answers], hosts), f"{kilobytes[0]:.0f} kB decoded, {kilobytes[1]:.0f} kB as sent"


async def _serve(plan: Plan, pem: str) -> None:
    loop = asyncio.get_running_loop()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    first = socket.create_server(("127.0.0.1", 0), backlog=1024)
    plan = replace(plan, port=first.getsockname()[1])
    hosts, said = _render(plan)
    addresses = {host: f"127.0.{index // 250}.{1 + index % 250}" for index, host in enumerate(hosts)}
    others = [address for address in addresses.values() if address != "127.0.0.1"]
    for listener in (first, *(socket.create_server((address, plan.port), backlog=1024) for address in others)):
        await loop.create_server(lambda: Named(hosts), sock=listener, ssl=tls)
    names, _ = await loop.create_datagram_endpoint(lambda: NameServer(addresses), ("127.0.0.1", 0))
    port = names.get_extra_info("sockname")[1]
    print(json.dumps({"port": plan.port, "name_server": port, "sizes": said}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.modern_site", description=__doc__)
    parser.add_argument("pem", help="the certificate, and its key")
    parser.add_argument("--pages", type=int, required=True)
    parser.add_argument("--hosts", type=int, required=True)
    parser.add_argument("--seed", type=int, default=Plan().seed)
    given = parser.parse_args()
    uvloop.run(_serve(Plan(given.pages, given.hosts, seed=given.seed, is_modern=True), given.pem))


if __name__ == "__main__":
    main()
