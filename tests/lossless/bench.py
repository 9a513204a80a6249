"""What a kind works with: a served web, the command that crawls it, and a ledger that knows the truth."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crawler.model import LeftOut
from crawler.standing import Counts
from crawler.testing import Served, Site, Web, open_web
from tests.defaults import make_terms, open_sqlite
from tests.lossless.names import Names, open_names

CRAWL = Path(sys.executable).with_name("crawl")
HANG_S = 90.0
"""No run takes so long on any machine."""
GIVEN_S = 20.0
"""What a page takes to be recorded, at most."""
OPTIONS = (
    *("--delay", "0", "--allow-network", "127.0.0.0/8"),
    *("--set", "politeness.retry_delay_s=0.2", "--set", "politeness.max_retry_after_s=10"),
)
INLINE = ("--set", "offload.executor=inline")
"""Small webs are read on the loop: workers take longer to start than those runs last."""
ARRIVED = frozenset({"fetched", "redirected", "duplicate", "unchanged"})
SHOWN = 3
Record = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What became of the pages of one kind, all its crawls together."""

    found: int = 0
    fetched: int = 0
    failed: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    """By the rule that their records name."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Pages with links that were not followed, by rule."""
    parked: int = 0
    queued: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        return not self.lost and not self.wrong


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to lose pages, with its truth."""

    name: str
    """`family/what-it-is`."""
    story: Callable[[Bench], Awaitable[None]]
    is_quick: bool = False
    """It stands in the suite, too."""


@dataclass(slots=True)
class Bench:
    """What a story is given."""

    folder: Path
    seed: int
    """Of all that is random."""
    tally: Tally = field(default_factory=Tally)
    options: Sequence[str] = ()
    """For every run of the command."""
    _crawls: int = 0

    @asynccontextmanager
    async def crawl(
        self,
        *sites: Site,
        seeds: Iterable[str] = (),
        by_name: bool = False,
        per_site: int = 8,
        inline: bool = True,
        options: Sequence[str] = (),
    ) -> AsyncIterator[Crawl]:
        """Serve a web, with a crawl of it that has not begun; in the end it goes into the tally."""
        self._crawls += 1
        folder = self.folder / f"crawl-{self._crawls}"
        words = [*OPTIONS, "--per-site", str(per_site), *(INLINE if inline else ()), *self.options, *options]
        async with AsyncExitStack() as stack:
            served = await stack.enter_async_context(open_web(Web(sites, seeds), by_name=by_name))
            names: Names | None = None
            if by_name:
                names, server = await stack.enter_async_context(open_names(served.addresses))
                words += ["--set", f'fetch.name_servers=["{server}"]']
            crawl = Crawl(served, folder, self.tally, words, names)
            yield crawl
            await crawl.count()


@dataclass(slots=True)
class Crawl:
    """One crawl folder, and what stands in it after each run of the command."""

    served: Served
    folder: Path
    tally: Tally
    options: list[str]
    """Those of every run."""
    names: Names | None = None
    said: str = ""
    """What the last run said."""
    runs: int = 0
    counts: Counts = field(default_factory=Counts)
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)
    """Pages with links that a rule kept out of the crawl, by rule."""
    known: Mapping[str, int] = field(default_factory=dict)
    """Every URL the frontier knows, with its depth."""
    records: list[Record] = field(default_factory=list)

    # -- runs of the command -------------------------------------------------------------------------------------------

    async def run(
        self, *options: str, seeds: Iterable[str] | None = None, given: Iterable[tuple[str, str]] = (), code: int = 0
    ) -> None:
        """Run the command to its end, which must be `code`, and check that its account adds up.

        No seeds: the folder goes on with what it has. `given` is typed on standard input, each line once the URL
        before it stands in the records.
        """
        async with self.running(*options, seeds=seeds) as process:
            assert process.stdin is not None
            for awaited, line in given:
                await self._recorded(awaited, process)
                process.stdin.write(line.encode())
                await process.stdin.drain()
            process.stdin.close()
            ended = await self._end_of(process)
        if ended != code:
            self.wrong(f"exit code {ended}, not {code}: {self.said.strip().splitlines()[-1:]}")
        await self.look()
        self.add_up()

    async def run_and_kill(self, after: int, *options: str, seeds: Iterable[str] | None = None) -> None:
        """Run the command, and kill it with all its processes once the server saw so many more requests."""
        wanted = len(self.served.hits) + after
        async with self.running(*options, seeds=seeds) as process:
            async with asyncio.timeout(HANG_S):
                while len(self.served.hits) < wanted and process.returncode is None:
                    await asyncio.sleep(0.002)
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                self.wrong(f"ended after {len(self.served.hits) - wanted + after} requests, before it could be killed")
            await self._end_of(process)

    @asynccontextmanager
    async def running(
        self, *options: str, seeds: Iterable[str] | None = None
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        self.runs += 1
        sources = self.served.seeds if seeds is None else [self.served.web.place(seed) for seed in seeds]
        where = ["-o", str(self.folder)] if sources else [str(self.folder)]
        process = await asyncio.create_subprocess_exec(
            *[str(CRAWL), *sources, *where, *self.options, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _recorded(self, url: str, process: asyncio.subprocess.Process) -> None:
        path, said = self.folder / "pages.jsonl", f'"{url}"'.encode()
        begun = time.monotonic()
        while url and not (path.exists() and said in path.read_bytes()):
            if process.returncode is not None or time.monotonic() > begun + GIVEN_S:
                self.wrong(f"{url} was never recorded")
                break
            await asyncio.sleep(0.05)

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        assert process.stderr is not None
        try:
            async with asyncio.timeout(HANG_S):
                self.said = (await process.stderr.read()).decode()
                return await process.wait()
        except TimeoutError:
            self.wrong(f"not at its end after {HANG_S:.0f} s")
            return -1

    # -- what stands in the folder -------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Read the records and a copy of the frontier."""
        path = self.folder / "pages.jsonl"
        self.records = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        copies = self.folder.with_name(f"{self.folder.name}-look")
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        for one in self.folder.glob("frontier.sqlite*"):
            shutil.copy(one, copies)
        copy = copies / "frontier.sqlite"
        if not copy.exists():
            return
        async with open_sqlite(copy, make_terms(traps="park")) as frontier:
            self.counts, self.left_out = frontier.counts(), await frontier.left_out()
        with closing(sqlite3.connect(copy)) as connection:
            self.known = dict(connection.execute("SELECT text, depth FROM url WHERE id > 0"))

    @property
    def last(self) -> dict[str, Record]:
        """The last record of each URL."""
        return {record["url"]: record for record in self.records}

    @property
    def arrived(self) -> dict[str, str]:
        """The URLs that brought an answer, with their titles."""
        return {url: one["title"] or "" for url, one in self.last.items() if one["disposition"] in ARRIVED}

    @property
    def pages(self) -> int:
        """What a limit counts: pages that were fetched and are like no other."""
        return sum(one["disposition"] in ("fetched", "unchanged") for one in self.last.values())

    def url(self, target: str, host: str = "") -> str:
        """A target on a site, by default the first, as it is served."""
        return self.served.url(host or self.served.web.sites[0].host, target)

    # -- what must be true ---------------------------------------------------------------------------------------------

    def add_up(self) -> None:
        """Every URL ever found is settled, parked, queued or out; each visit is recorded once, with its last word."""
        counts, settled = self.counts, sum(self.counts.settled.values())
        if counts.known != settled + counts.parked + counts.queued + counts.leased:
            self.wrong(
                f"{counts.known} known are not {settled} settled + {counts.parked} parked + {counts.queued} queued"
                f" + {counts.leased} out"
            )
        if counts.parked != sum(trap.parked for trap in counts.traps):
            self.wrong(f"{counts.parked} parked, but {sum(trap.parked for trap in counts.traps)} by their patterns")
        twice = [one for one, n in Counter((one["url"], one["visit"]) for one in self.records).items() if n > 1]
        if twice:
            self.wrong(f"{len(twice)} recorded twice{shown(url for url, _ in twice)}")
        words = Counter(one["disposition"] for one in self.last.values())
        if words != {str(name): n for name, n in counts.settled.items() if n}:
            self.wrong(f"records say {dict(words)}, the frontier { ({str(k): v for k, v in counts.settled.items()}) }")

    def has(self, truth: Collection[str] | Mapping[str, str]) -> None:
        """These pages have arrived, under these titles where the truth knows them; what has not is lost."""
        arrived = self.arrived
        titles = truth if isinstance(truth, Mapping) else {}
        lost = [url for url in truth if url not in arrived or arrived[url] != titles.get(url, arrived[url])]
        self.tally.lost += len(lost)
        if lost:
            fates = Counter(self.fate(url) for url in lost)
            told = ", ".join(f"{n} {fate}" for fate, n in fates.most_common())
            self.wrong(f"run {self.runs}: {len(lost)} of {len(truth)} lost ({told}){shown(lost)}")

    def is_exactly(self, truth: Collection[str]) -> None:
        """These pages have arrived, and no others."""
        self.has(truth)
        if beyond := set(self.arrived) - set(truth):
            self.wrong(f"run {self.runs}: {len(beyond)} beyond the truth{shown(sorted(beyond))}")

    def fate(self, url: str) -> str:
        """What the crawl says became of a URL."""
        if record := self.last.get(url):
            reason = record["reason"]
            return f"{record['disposition']}/{reason}" if reason else str(record["disposition"])
        return "waiting" if url in self.known else "never found"

    def parks(self, least: int, most: int | None = None) -> None:
        """So many URLs are parked."""
        top = least if most is None else most
        if not least <= self.counts.parked <= top:
            self.wrong(f"run {self.runs}: {self.counts.parked} parked, {least} to {top} would be right")

    def says(self, *words: str) -> None:
        """The last run said each of these."""
        for word in words:
            if word not in self.said:
                self.wrong(f"run {self.runs} did not say {word!r}")

    def says_something_other_than(self, words: str) -> None:
        if words in self.said:
            self.wrong(f"run {self.runs} said {words!r}")

    def wrong(self, what: str) -> None:
        self.tally.wrong.append(what)

    async def count(self) -> None:
        """Add where the crawl stands to the tally."""
        tally, settled = self.tally, self.counts.settled
        tally.found += self.counts.known
        tally.fetched += sum(n for name, n in settled.items() if name in ARRIVED)
        tally.failed += sum(n for name, n in settled.items() if name == "failed")
        tally.excluded += Counter(one["reason"] for one in self.last.values() if one["disposition"] == "excluded")
        unsought = (LeftOut.KINDS, LeftOut.REQUISITES)  # every page may have some
        rules = {rule: n for rule, n in self.left_out.items() if rule not in unsought}
        tally.left_out += Counter({(rule.name or "").lower(): n for rule, n in rules.items()})
        tally.parked += self.counts.parked
        tally.queued += self.counts.queued + self.counts.leased


def shown(urls: Iterable[str]) -> str:
    """A few of them, for a person."""
    few = [url.partition("//")[2] for _, url in zip(range(SHOWN), urls, strict=False)]
    return f": {' '.join(few)}" if few else ""
