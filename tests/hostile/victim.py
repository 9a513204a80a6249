"""A crawl to be killed: a web with trouble in it, the command that is run again and again, and what must stay true."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import anyio
import psutil
from anyio.abc import Process

from crawler.testing import Page, Served, Web, error, failing, link_graph, redirect, reset

CRAWL = Path(sys.executable).with_name("crawl")
CONCURRENCY = 16
HANG_S = 300.0
"""No run takes so long on any machine."""
GONE_S = 20.0
"""What the processes of a killed crawl get to notice: an instant each, on a machine that is busy with other things."""


# -- the web ---------------------------------------------------------------------------------------------------------


def troubled_web(pages: int, sites: int, seed: int = 7) -> Web:
    """A link graph in which of ten pages one answers 503 at first, one with a reset, and two have moved elsewhere."""
    graph = link_graph(seed=seed, sites=sites, pages_per_site=pages // sites, links_per_page=12)
    return Web([replace(site, pages=Troubled(site.pages)) for site in graph.sites], graph.seeds)


class Troubled(Mapping[str, Page]):
    """A site's pages with trouble in them; where a page moved to differs in the query, so that its links stay right."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self._numbers = {target: number for number, target in enumerate(pages)}

    def __getitem__(self, target: str) -> Page:
        plain = target.removesuffix("?moved=1").removesuffix("&moved=1")
        page, trouble = self._pages[plain], self._numbers[plain] % 10
        if plain != target:
            return page
        if trouble in (3, 7):
            return redirect(f"{target}{'&' if '?' in target else '?'}moved=1")
        if trouble == 5:
            return failing(page, times=1, by=error(503))
        return failing(page, times=1, by=reset()) if trouble == 9 else page

    def __iter__(self) -> Iterator[str]:
        return iter(self._pages)

    def __len__(self) -> int:
        return len(self._pages)


# -- the crawl that is killed ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Victim:
    """One crawl folder, and the command that goes on with it however often it is killed."""

    served: Served
    folder: Path
    spare: Path
    """Where it keeps what is temporary."""
    delay_s: float = 0.0
    per_site: int = 4
    options: Sequence[str] = ()
    seeds: Sequence[str] = ()
    """Others than those of the web."""
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def command(self) -> list[str]:
        seeds, where = self.seeds or self.served.seeds, ("-o", str(self.folder), "-q")
        politeness = ("--delay", str(self.delay_s), "--per-site", str(self.per_site))
        retries = ("--set", "politeness.retry_delay_s=0.05")
        scope = ("--reach", "any", "--allow-network", "127.0.0.0/8", "--concurrency", str(CONCURRENCY))
        return [str(CRAWL), *seeds, *where, *politeness, *retries, *scope, *self.options]

    @asynccontextmanager
    async def running(self, *options: str, through: Sequence[str] = ()) -> AsyncIterator[Process]:
        process = await anyio.open_process(
            [*through, *self.command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self.spare)},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.aclose()

    async def ends(
        self,
        *options: str,
        kill: Callable[[int], Coroutine[object, object, None]] | None = None,
        through: Sequence[str] = (),
    ) -> tuple[int, str]:
        """Run the command, `through` another one that ends with it, and `kill` (told its pid) beside it.

        Its exit code and what it said.
        """
        async with self.running(*options, through=through) as process, anyio.create_task_group() as tasks:
            if kill is not None:
                tasks.start_soon(kill, process.pid)
            code, said = await ended(process)
            tasks.cancel_scope.cancel()
        return code, said

    async def finishes(self, *options: str) -> None:
        """Run the command to its end, which must be a good one."""
        code, said = await self.ends(*options)
        assert code == 0, f"exit code {code}: {said}"

    async def survives(self, whom: str, within: int, *options: str) -> bool:
        """Run the command and kill `whom` once the server saw `within` more requests. Whether it came to its own end.

        Counted in requests, not seconds: where it falls between fetch, record and settlement is left to chance. What
        is not the end of the crawl is followed by such a death, as many requests later.
        """

        async def kill(pid: int) -> None:
            await self.sees(within)
            self.kill(pid, whom)
            if whom not in ("group", "main"):
                await self.sees(within)
                self.kill(pid, "group")

        code, said = await self.ends(*options, kill=kill)
        assert code in (0, -signal.SIGKILL), f"exit code {code}: {said}"
        return code == 0

    async def sees(self, more: int) -> None:
        """Until the server got so many more requests."""
        seen = len(self.served.hits)
        with anyio.fail_after(HANG_S / 5):
            while len(self.served.hits) < seen + more:
                await anyio.sleep(0.001)

    async def dies_after(self, seconds: float, *options: str) -> bool:
        """Run the command and kill all of it after a time, whatever it is doing then. Whether it had ended before."""

        async def kill(pid: int) -> None:
            await anyio.sleep(seconds)
            with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it was faster
                self.kill(pid, "group")

        code, said = await self.ends(*options, kill=kill)
        assert code in (0, -signal.SIGKILL), f"exit code {code}: {said}"
        return code == 0

    def kill(self, pid: int, whom: str) -> list[psutil.Process]:
        """Kill the whole group of processes at once, the main one alone, a worker, or what workers descend from.

        The processes that were there before.
        """
        main = psutil.Process(pid)
        family = [main, *main.children(recursive=True)]
        self.kills[whom] += 1
        match whom:
            case "group":
                os.killpg(pid, signal.SIGKILL)
            case "main":
                main.kill()
            case "loop":
                for process in loops_of(main)[:1]:
                    process.kill()
            case "worker":
                workers_of(main)[0].kill()
            case "fork server":  # it is missed once a worker is
                dying = [*workers_of(main)[:1], *fork_servers_of(main)]
                for process in dying:
                    process.kill()
        return family

    # -- what must be true ---------------------------------------------------------------------------------------------

    def records(self) -> list[dict[str, object]]:
        """What stands in the output; no more than its last line may be torn, and no visit recorded twice."""
        path = self.folder / "pages.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
        assert len(lines) - len(whole) <= 1, "a torn line amid the output"
        visits = Counter((record["url"], record["visit"]) for record in whole)
        assert set(visits.values()) <= {1}, f"recorded twice: {visits.most_common(3)}"
        return whole

    def lost(self) -> set[str]:
        """What a right crawl fetches and this one did not, or not with the right end."""
        found = {record["url"]: (record["status"], record["disposition"]) for record in self.records()}
        web = self.served.web
        right = {url: web.expected(url) for url in web.reachable()}
        assert set(found) <= set(right), f"invented: {set(found) - set(right)}"
        return {url for url, one in right.items() if found.get(url) != (one.status, one.disposition)}

    def fetched_again(self) -> int:
        """Pages the server handed over more than once."""
        answers = Counter(hit.url for hit in self.served.hits if hit.path != "/robots.txt" and hit.status in (200, 301))
        return sum(answers.values()) - len(answers)

    def in_flight_at_most(self) -> int:
        """What all kills together may have cost: what was under way at each, outcomes not settled included."""
        return CONCURRENCY * (self.kills["group"] + self.kills["main"] + self.kills["loop"])

    def least_pause_s(self) -> float:
        """The shortest rest any site got between an answer and the next request, robots.txt included.

        Not after a reset: where a kept connection breaks, a GET is asked again at once (RFC 9112 9.3.1).
        """
        pairs = (pair for site in self.served.web.sites for pair in pairwise(self.served.of(site.host)))
        return min((later.began - one.ended for one, later in pairs if one.status and one.ended), default=0.0)


async def ended(process: Process) -> tuple[int, str]:
    assert process.stderr is not None
    with anyio.fail_after(HANG_S):
        said = b"".join([chunk async for chunk in process.stderr])
        return await process.wait(), said.decode()


def fork_servers_of(main: psutil.Process) -> list[psutil.Process]:
    """One that was forked by the command has its command line, but a name of its own."""
    return [child for child in main.children() if "forkserver" in " ".join([child.name(), *child.cmdline()])]


def loops_of(main: psutil.Process) -> list[psutil.Process]:
    """The event loops of a command that has several."""
    return [child for child in main.children() if "crawler.api.loop" in child.cmdline()]


def workers_of(main: psutil.Process) -> list[psutil.Process]:
    """Where a worker has a guardian, that is its parent."""
    guardians = [process for server in fork_servers_of(main) for process in server.children()]
    return [worker for guardian in guardians for worker in guardian.children() or [guardian]]


async def are_gone(family: list[psutil.Process]) -> bool:
    """Whether these processes end by themselves, soon."""
    with anyio.move_on_after(GONE_S):
        while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family):
            await anyio.sleep(0.02)
        return True
    return False
