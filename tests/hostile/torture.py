"""The torture run: every hostile behaviour at once beside good sites, crawled by the real command, and judged."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from crawler.testing import open_web_process
from tests.hostile.behaviour import TREE_BYTES, Behaviour
from tests.hostile.catalogue import chosen
from tests.hostile.run import Record, Run, crawl
from tests.proving.breaches import find_breaches

AUTHORITY = Path(__file__).with_name("certificates") / "authority.pem"
OPTIONS = (
    *("--delay", "0", "--allow-network", "127.0.0.0/8"),
    *("--set", "politeness.max_delay_s=1", "--set", "politeness.max_retry_after_s=10"),
    *("--set", f"fetch.ca_file={AUTHORITY}"),
)
"""All else is as by default. By default a Retry-After is honoured for ten minutes: longer than a torture run takes. The
authority is that of the TLS behaviours' certificates."""
GOOD_SITES, GOOD_PAGES = 16, 100
GOOD_WEB = ("--sites", f"{GOOD_SITES}", "--pages", f"{GOOD_PAGES}", "--links", "10", "--crawl-delay", "0.25")
"""Good sites ask for a rest between two requests, as many do: they come as fast as they may, not as fast as we can."""
GOOD_SHARE = 0.8
"""Of the rate that good pages come at when nobody is hostile."""
LIMIT_S = 240.0
_RAW = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae\xa8\xa9]|\xe2\x81[\xa6-\xa9]")
"""Control characters and overrides of direction, as they may not stand in a log or before a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one behaviour."""

    behaviour: Behaviour
    got: str
    seconds: float
    """That its longest exchange was held, or that its last visit took with parsing."""
    peak_bytes: int
    """The tree's largest measure while it was in hand."""
    asked: int
    """How many URLs of its site were asked for."""
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What a torture run showed."""

    rows: list[Row]
    run: Run
    faults: list[str] = field(default_factory=list)
    """Of the crawl as a whole."""
    good_alone: float = 0.0
    """Good pages a second when nobody is hostile."""
    good_beside: float = 0.0

    @property
    def failures(self) -> int:
        return len(self.faults) + sum(bool(row.faults) for row in self.rows)


async def torture(
    folder: Path, names: Sequence[str], options: Sequence[str] = OPTIONS, *, good: bool = True
) -> Verdict:
    """The hostile crawl, after one of the good sites alone where `good`."""
    behaviours = chosen(names)
    async with open_web_process(*GOOD_WEB, "--print-seeds") as homes, _serving(names) as server:
        alone = await crawl(homes, folder / "good", options, LIMIT_S) if good else None
        seeds = [*server.seeds.values(), *(homes if good else ())]
        run = await crawl(seeds, folder / "hostile", options, LIMIT_S)
        seen = await server.log()
    records = {record["url"]: record for record in run.records}
    came = dict(zip((record["url"] for record in run.records), run.came, strict=True))
    asked = [record["url"] for record in run.records if record["disposition"] != "excluded"]
    sites = Counter(map(_site, asked))
    rows = [
        _row(behaviour, _Evidence(server.seeds[behaviour.name], records, came, sites, seen[behaviour.name], run))
        for behaviour in behaviours
    ]
    verdict = Verdict(rows, run, list(_faults(run)))
    if alone is not None:
        verdict.good_alone, verdict.good_beside = _rate(alone, homes), _rate(run, homes)
        verdict.faults += [*_faults_of_good(run, homes, verdict), *find_breaches(alone.folder)]
    return verdict


@dataclass(frozen=True, slots=True)
class _Evidence:
    seed: str
    records: dict[str, Record]
    came: dict[str, float]
    sites: Counter[str]
    seen: dict[str, Any]
    run: Run


def _row(behaviour: Behaviour, of: _Evidence) -> Row:
    record, site = of.records.get(of.seed), _site(of.seed)
    got = _outcome(record)
    began, ended = of.seen["began"] or of.run.began, of.came.get(of.seed, of.run.ended)
    seconds = max(of.seen["longest_s"], ((record or {}).get("elapsed_ms") or 0) / 1000)
    peak = of.run.peak_between(began, ended)
    faults = []
    if got not in behaviour.expected:
        faults.append(f"{got} ({(record or {}).get('detail') or ''})")
    for place, wanted in behaviour.then.items():
        url = site + place if place.startswith("/") else place
        if (then := _outcome(of.records.get(url))) not in wanted:
            faults.append(f"{place}: {then}")
    if of.sites[site] > behaviour.most_records:
        faults.append(f"{of.sites[site]} URLs asked for")
    if seconds > behaviour.most_s:
        faults.append("too slow")
    return Row(behaviour, got, seconds, peak, of.sites[site], tuple(faults))


def _outcome(record: Record | None) -> str:
    """`failed/timeout`. That another behaviour's page has the same bytes says nothing."""
    if record is None:
        return "no record"
    if record["disposition"] == "duplicate":
        return "fetched"
    return "/".join(filter(None, (record["disposition"], record["reason"])))


def _faults(run: Run) -> Iterator[str]:
    """Of the crawl as a whole."""
    if run.exit_code != 0:
        yield f"exit code {run.exit_code} after {run.wall_s:.0f} s"
    twice = [url for url, count in Counter(record["url"] for record in run.records).items() if count > 1]
    if twice:
        yield f"{len(twice)} URLs have more than one record: {twice[:3]}"
    bugs = [record["url"] for record in run.records if record["reason"] == "internal"]
    if bugs:
        yield f"bugs of ours: {bugs[:3]}"
    if run.left:
        yield f"processes outlived the crawl: {run.left}"
    if run.peak_bytes > TREE_BYTES:
        yield f"the tree measured {run.peak_bytes >> 20} MiB"
    if found := _RAW.search(run.said):
        yield f"raw control characters on standard error: {run.said[max(0, found.start() - 40) : found.end() + 20]!r}"
    yield from find_breaches(run.folder)
    log = (run.folder / "crawl.log").read_bytes() if (run.folder / "crawl.log").exists() else b""
    if found := _RAW.search(log):
        yield f"raw control characters in crawl.log: {log[max(0, found.start() - 40) : found.end() + 20]!r}"


def _faults_of_good(run: Run, homes: Sequence[str], verdict: Verdict) -> Iterator[str]:
    fetched = len(_good(run, homes))
    if fetched != GOOD_SITES * GOOD_PAGES:
        yield f"{fetched} of {GOOD_SITES * GOOD_PAGES} good pages"
    if verdict.good_beside < GOOD_SHARE * verdict.good_alone:
        yield f"good pages came at {verdict.good_beside / verdict.good_alone:.0%} of their rate"


def _good(run: Run, homes: Sequence[str]) -> list[Record]:
    sites = {_site(home) for home in homes}
    return [record for record in run.records if record["disposition"] == "fetched" and _site(record["url"]) in sites]


def _rate(run: Run, homes: Sequence[str]) -> float:
    """Good pages a second, from the first to the last."""
    times = sorted(datetime.fromisoformat(record["fetched_at"]).timestamp() for record in _good(run, homes))
    return (len(times) - 1) / max(times[-1] - times[0], 0.001) if times else 0.0


def _site(url: str) -> str:
    return url[: url.index("/", 8)]


@dataclass(slots=True)
class _Server:
    seeds: dict[str, str]
    _process: asyncio.subprocess.Process

    async def log(self) -> dict[str, dict[str, Any]]:
        """What it saw; it ends with that."""
        self._process.stdin.close()  # type: ignore[union-attr]  # a pipe
        said = await self._process.stdout.read()  # type: ignore[union-attr]
        log: dict[str, dict[str, Any]] = json.loads(said)
        return log


@asynccontextmanager
async def _serving(names: Sequence[str]) -> AsyncIterator[_Server]:
    """The hostile web in a process of its own, which ends with this one however that ends."""
    command = (sys.executable, "-m", "tests.hostile.serve", *names)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 22
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    try:
        yield _Server(json.loads(await process.stdout.readline()), process)
    finally:
        process.stdin.close()
        await process.wait()
