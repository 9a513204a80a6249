"""The memory of a crawl that gets 200 bodies of 16 MiB at a time, bombs and hostile markup among them: `memory`."""

import asyncio
import gzip
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import brotli

from benchmarks.contestants import PYTHON
from benchmarks.tree import Cost, measure

MIB = 1 << 20
SIZE = 16 * MIB - 1
SITES = 200
DEFAULT_MIB = 512
"""What default settings promise on two cores."""


def _filled(unit: str) -> bytes:
    return (unit.encode() * (SIZE // len(unit) + 1))[:SIZE]


def _formats() -> bytes:
    return "".join(f"<b a={i}><p>x" for i in range(1_200_000)).encode()[:SIZE]


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "ordinary markup": ("", lambda: _filled("<p>some words <a href=/x>and a link</a> and so on, to the end</p>\n")),
    "plain words": ("", lambda: _filled("words ")),
    "gzip bombs": ("gzip", lambda: gzip.compress(_filled("<p>x"))),
    "br bombs": ("br", lambda: brotli.compress(_filled("words "), quality=3)),
    "formatting without end": ("", _formats),
    "nested elements": ("", lambda: _filled("<div>")),
    "links": ("gzip", lambda: gzip.compress("".join(f"<a href=/{i}>x</a>" for i in range(800_000)).encode())),
}
TOO_MUCH = gzip.compress(bytes(200 * MIB))


def main() -> int:
    if sys.argv[1:] == ["serve"]:
        asyncio.run(_serve())
        return 0
    missed = 0
    print("| settings | RSS of all processes, at most | pages | seconds |\n|---|---|---|---|")
    for mib in (None, 256, 384, 512, 1024):
        cost, pages = _crawl(["--memory", f"{mib}M"] if mib else [])
        missed += cost.peak_rss_bytes > (mib or DEFAULT_MIB) * MIB or pages < SITES
        name = f"--memory {mib}M" if mib else "default"
        print(f"| {name} | {cost.peak_rss_bytes // MIB} MiB | {pages} | {cost.wall_s:.0f} |", flush=True)
    return 1 if missed else 0


def _crawl(options: list[str]) -> tuple[Cost, int]:
    """What it took, and how many pages were recorded."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([PYTHON, "-m", "benchmarks.memory", "serve"], stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        port = int(server.stdout.readline())
        seeds = Path(folder, "seeds.txt")
        seeds.write_text("".join(f"http://127.1.1.{i + 1}:{port}/{i}\n" for i in range(SITES)))
        command = [str(Path(PYTHON).with_name("crawl")), str(seeds), "-o", "crawl", "--depth", "0", "--delay", "0"]
        command += ["--allow-network", "127.0.0.0/8", "--quiet", "--set", "fetch.timeout_s=120", *options]
        cost = measure(command, cwd=Path(folder))
        records = Path(folder, "crawl", "pages.jsonl").read_bytes().count(b"\n")
        server.kill()
    return cost, records


async def _serve() -> None:
    answers = [(coding, make()) for coding, make in KINDS.values()] + [("gzip", TOO_MUCH)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                number = path.strip("/")
                coding, body = answers[int(number) % len(answers)] if number.isdecimal() else ("", b"")
                field = f"Content-Encoding: {coding}\r\n" if coding else ""
                status = "200 OK" if body else "404 Not Found"
                fields = f"Content-Type: text/html\r\n{field}Content-Length: {len(body)}\r\n\r\n"
                writer.write(f"HTTP/1.1 {status}\r\n{fields}".encode())
                for at in range(0, len(body), 1 << 16):
                    writer.write(body[at : at + (1 << 16)])
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    raise SystemExit(main())
