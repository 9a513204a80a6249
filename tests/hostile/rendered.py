"""`python -m tests.hostile.rendered [NAME...]`: pages whose scripts misbehave, rendered beside good ones.

The real command renders all of them in one crawl. Each costs itself and nothing else: it has one record, every good
page is rendered whole, the crawl ends by itself, and neither a process nor a file of a browser is left. Prints one line
for each page, and ends with 1 if anything is not as it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from crawler.testing import Site, Web, open_web, written
from tests.hostile.run import Run, crawl
from tests.render.hostile_pages import PAGES, hostile
from tests.render.webs import CHROMIUM, script

GOOD_PAGES = 12
PAGE_S = 15.0
OPTIONS = (
    *("--delay", "0", "--allow-network", "127.0.0.0/8", "--render", "always", "--depth", "0"),
    *("--set", f"render.page_timeout_s={PAGE_S:g}", "--set", "render.tab_memory_bytes=256M"),
)
LIMIT_S = 580.0
_GOOD = "<!doctype html><title>t</title><div id=root></div><script src=/good.js></script>"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.rendered", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(PAGES)}")
    names = parser.parse_args().names or list(PAGES)
    if CHROMIUM is None:
        sys.stdout.write("not told: there is no Chromium\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="t-") as made:
        faults = asyncio.run(torture(names, Path(made)))
    for fault in faults:
        sys.stdout.write(f"FAILED: {fault}\n")
    return int(bool(faults))


async def torture(names: Sequence[str], folder: Path) -> list[str]:
    """Renders these pages beside good ones; prints what became of each, and returns what is not as it should be."""
    spare = folder / "s"
    spare.mkdir()
    os.environ["TMPDIR"] = str(spare)  # where browsers have their files
    async with open_web(_web(names)) as served:
        run = await crawl(served.seeds, folder / "crawl", OPTIONS, LIMIT_S)
        homes = {name: served.url(f"{name}.test", f"/{name}") for name in names}
        good = [served.url("good.test", f"/{number}") for number in range(GOOD_PAGES)]
    left = [path.name for path in spare.glob("crawld-*")]
    sys.stdout.write(f"{'page':<22} {'record':<16} {'rendered in':>11}  detail\n")
    records = {record["url"]: record for record in run.records}
    for name, url in homes.items():
        told = records.get(url, {})
        got = "/".join(filter(None, (told.get("disposition"), told.get("reason")))) or "no record"
        took = (told.get("render_ms") or 0) / 1000
        sys.stdout.write(f"{name:<22} {got:<16} {took:>9.1f} s  {told.get('detail') or ''}\n")
    whole = sum(records.get(url, {}).get("title") == "good" for url in good)
    sys.stdout.write(f"{whole} of {GOOD_PAGES} good pages; {run.wall_s:.0f} s; exit code {run.exit_code}\n")
    return list(_faults(run, list(homes.values()), good, left))


def _web(names: Sequence[str]) -> Web:
    """Each hostile page on a site of its own, and a site of good ones."""
    sites = []
    for name in names:
        [site] = hostile(name).sites
        sites.append(Site(f"{name}.test", site.pages, traps=site.traps))
    good = Site(
        "good.test",
        {"/good.js": script("document.title = 'good'")}
        | {f"/{n}": written(_GOOD.replace("id=root", f"id=root data-n={n}")) for n in range(GOOD_PAGES)},
    )
    seeds = [f"http://{name}.test/{name}" for name in names]
    return Web([*sites, good], [*seeds, *(f"http://good.test/{n}" for n in range(GOOD_PAGES))])


def _faults(run: Run, hostile_urls: Sequence[str], good: Sequence[str], left: Sequence[str]) -> Iterator[str]:
    if run.exit_code != 0:
        yield f"exit code {run.exit_code} after {run.wall_s:.0f} s: {run.said[-300:]!r}"
    counts = Counter(record["url"] for record in run.records)
    if wrong := [url for url in (*hostile_urls, *good) if counts[url] != 1]:
        yield f"not recorded once: {wrong}"
    records = {record["url"]: record for record in run.records}
    if lost := [url for url in hostile_urls if records.get(url, {}).get("disposition") != "fetched"]:
        yield f"not fetched: {lost}"
    if poor := [records.get(url, {}).get("detail") for url in good if records.get(url, {}).get("title") != "good"]:
        yield f"{len(poor)} good pages were not rendered: {poor[:3]}"
    if run.left:
        yield f"processes outlived the crawl: {run.left}"
    if left:
        yield f"files of browsers are left: {left}"


if __name__ == "__main__":
    raise SystemExit(main())
