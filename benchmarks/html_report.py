"""What the report of a crawl costs: seconds, bytes and memory for so many pages, and how fast a browser opens it.

python -m benchmarks html_report [pages] [format ...]
"""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from struct import pack

import orjson

from benchmarks.machine import describe
from crawler.sinks.record import FIELDS

LINKS = 40
"""Links of a page: twelve that stand on every page, the others to pages near it."""
HEADER = 12
MIB = 1 << 20
_WORK = """
import resource, sys, time
from pathlib import Path
from crawler import Config, read_folder, write_site_report
folder, out, form = sys.argv[1:]
found = read_folder(Path(folder), Config())
write_site_report(found, Path(out), form)
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.process_time(), used.ru_maxrss / 1024)
"""


def main(pages: int, formats: Sequence[str]) -> None:
    print(describe(sys.executable))
    with tempfile.TemporaryDirectory() as scratch:
        for n in (pages // 4, pages):
            folder = Path(scratch) / f"{n}.crawl"
            size = write(folder, n)
            print(f"\n{n:,} pages, {size / MIB:,.0f} MiB of records, {LINKS} links a page")
            for form in formats:
                print(make(folder, folder / f"report.{form}", form))
        print(asyncio.run(look(folder / "report.html")))


def write(folder: Path, pages: int) -> int:
    """Writes a crawl folder as a crawl of that many pages leaves it; returns the bytes of its records."""
    folder.mkdir(mode=0o700)
    (folder / "crawl.toml").touch(0o600)
    path = folder / "pages.jsonl"
    path.touch(0o600)
    with path.open("wb") as file:
        file.writelines(line(n, pages) for n in range(pages))
    return path.stat().st_size


def line(n: int, pages: int) -> bytes:
    rng = random.Random(n)
    is_failed, is_moved = n % 50 == 49, n % 50 == 48
    site = "https://shop.example"
    nearby = [[url(rng.randrange(pages)), "anchors", f"What article {i} says"] for i in range(LINKS - HEADER)]
    menu = [[f"{site}/section-{i}/", "anchors", f"Section {i}"] for i in range(HEADER)]
    places = b64encode(pack("<20I", *(rng.getrandbits(32) for _ in range(20)))).decode()
    audit = {
        "links": menu + nearby, "ids": places, "h1": [f"Article {n}"], "images": 8, "n_no_alt": n % 3 == 0,
        "no_alt": [f"{site}/pictures/{n}.png"] if n % 3 == 0 else [], "security": {"x-content-type-options": "nosniff"},
        "hreflang": [["de", url(n)], ["en", url(n + 1)]], "structured": [["Product", ["offers"] if n % 7 == 0 else []]],
    }  # fmt: skip
    record = {
        "v": 1, "url": url(n), "status": 404 if is_failed else 301 if is_moved else 200,
        "disposition": "failed" if is_failed else "redirected" if is_moved else "fetched",
        "reason": "status-4xx" if is_failed else None, "detail": "HTTP 404" if is_failed else None,
        "location": url(n - 2) if is_moved else None, "seed": f"{site}/", "via": url(n // 2), "depth": n.bit_length(),
        "attempt": 1, "visit": 1, "fetched_at": moment(n), "elapsed_ms": 120.0,
        "timings": {"queue": 1.0, "dns": 0, "connect": 3.1, "ttfb": rng.expovariate(0.01), "download": 8.2, "parse": 2},
        "ip": "192.0.2.1", "tls": "verified", "content_type": "text/html; charset=utf-8", "charset": "utf-8",
        "length": n * 101 % 90_000, "digest": f"sha256:{n:064x}", "simhash": f"{rng.getrandbits(64):016x}",
        "title": f"A title of usual length, number {n // 2}", "language": "en", "n_links": LINKS,
        "description": f"A description of usual length, as many pages have one, about {n // 3}. " * 2,
    }  # fmt: skip
    if not (is_failed or is_moved):
        record |= {"links": [one[0] for one in audit["links"]], "audit": audit}  # type: ignore[attr-defined]
    return orjson.dumps({**dict.fromkeys(FIELDS), **record}) + b"\n"


def url(n: int) -> str:
    return f"https://shop.example/section-{n % 12}/topic-{n % 977}/article-{n}.html"


def moment(n: int) -> str:
    """Returns the time of a visit: 150 in a second."""
    seconds = n // 150
    return f"2026-01-01T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{n % 150 * 6:03}Z"


def make(folder: Path, out: Path, form: str) -> str:
    began = time.perf_counter()
    work = [sys.executable, "-c", _WORK, str(folder), str(out), form]
    done = subprocess.run(work, check=True, capture_output=True, text=True)
    cpu, memory = map(float, done.stdout.split())
    wall, size = time.perf_counter() - began, out.stat().st_size / MIB
    return f"{form:<5} {wall:5.1f} s ({cpu:.1f} s of CPU), {size:6.1f} MiB, at most {memory:.0f} MiB of memory"


async def look(page: Path) -> str:
    """Opens the page in a browser until its charts are drawn."""
    from playwright.async_api import async_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = await browser.new_page()
        began = time.perf_counter()
        await tab.goto(page.as_uri())
        await tab.locator("#drawn canvas").last.wait_for()
        opened = time.perf_counter() - began
        await browser.close()
    return f"a browser shows the page with its charts after {opened:.1f} s"


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["100000"])[0]), sys.argv[2:] or ("html", "csv", "json"))
