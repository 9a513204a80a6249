"""Documents that hurt parsers, each alone before the real command: how long it takes, how large the crawl becomes.

`python -m tests.hostile.documents` prints a table. A link stands behind each input: where the input is too much for a
tree, the link is found all the same, and the page behind it must be fetched; unless more links than are read stand
before it.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from crawler.testing import Answer, Page, Site, Web, html, open_web
from tests.hostile.inputs import TORTURE
from tests.hostile.run import Record, Run, crawl

MOST_S = 5.0
"""From the request to the page made."""
LIMIT_S = 120.0
OPTIONS = (
    *("--delay", "0", "--allow-network", "127.0.0.0/8"),
    *("--set", "fetch.max_body_bytes=67108864", "--set", "fetch.budget_bytes=134217728"),
)
"""Bodies of 50 MB are `too-large` by default, and that is the end of them."""


def main() -> int:
    print(f"{'document':<28} {'got':<22} {'time':>7} {'memory':>9}  note")
    failures = 0
    for name in TORTURE:
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            failures += asyncio.run(_told(name, Path(folder)))
    return 1 if failures else 0


async def _told(name: str, folder: Path) -> bool:
    """One line of the table; whether anything in it is not as it should be."""
    body = f"<!doctype html><title>{name}</title>{TORTURE[name]()}<a href=/behind>behind</a>".encode()
    answer = Answer(200, (("Content-Type", "text/html; charset=utf-8"),), body)
    site = Site("torture.test", {"/": Page(lambda asked: answer), "/behind": html("Behind", [])})
    async with open_web(Web([site], ["http://torture.test/"])) as served:
        run = await crawl(served.seeds, folder / "crawl", OPTIONS, LIMIT_S)
        records = {record["url"]: record for record in run.records}
        seed, behind = records.get(served.seeds[0]), records.get(served.url("torture.test", "/behind"))
    faults = _faults(run, seed, behind)
    told = seed or {}
    got = "/".join(filter(None, (told.get("disposition"), told.get("reason")))) or "no record"
    measures = f"{(told.get('elapsed_ms') or 0) / 1000:>5.1f} s {run.peak_bytes >> 20:>5} MiB"
    print(f"{name:<28} {got:<22} {measures}  {told.get('detail') or ''}{''.join(f'  FAILED: {f}' for f in faults)}")
    return bool(faults)


def _faults(run: Run, seed: Record | None, behind: Record | None) -> list[str]:
    faults = []
    if run.exit_code != 0:
        faults.append(f"exit code {run.exit_code}")
    if seed is None or seed["disposition"] != "fetched":
        faults.append("the page is lost")
    elif (seed["elapsed_ms"] or 0) > MOST_S * 1000:
        faults.append(f"more than {MOST_S:g} s")
    is_full = seed is not None and "only the first" in (seed["detail"] or "")
    if not is_full and (behind is None or behind["disposition"] != "fetched"):
        faults.append("the link behind it was not followed")
    return faults


if __name__ == "__main__":
    raise SystemExit(main())
