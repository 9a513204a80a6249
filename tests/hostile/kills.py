"""The kill matrix: each story kills a crawl at random instants and says what held; nothing is lost, nothing twice.

`python -m tests.hostile.kills --rounds 120` tells all of them at length and prints a table; tests/test_kill.py a short
form of them.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from random import Random

import anyio
import psutil

from crawler import Config, prove_folder, read_folder
from crawler.testing import Web, link_graph, open_web
from tests.hostile.archives import check_archive
from tests.hostile.repeats import check_repeats, repeating_web
from tests.hostile.tables import TABLES, add_tables, check_tables
from tests.hostile.victim import CONCURRENCY, Victim, are_gone, ended, loops_of, troubled_web
from tests.postgres import Server, open_server
from tests.postgres import why_not as why_no_server
from tests.render.webs import CHROMIUM, made_by_scripts

SEED = 20261122
"""Of the instants of death: another number, other instants."""
WHOM = ("group", "main", "worker", "group", "main", "fork server")
"""Who dies, round by round."""
SITES = 4


@asynccontextmanager
async def victim(web: Web, folder: Path, *, delay_s: float = 0.0, per_site: int = 4) -> AsyncIterator[Victim]:
    with tempfile.TemporaryDirectory(prefix="kill-") as spare:  # its name short enough for a socket's address
        async with open_web(web) as served:
            yield Victim(served, folder / "crawl", Path(spare), delay_s, per_site)


def scripted_web(pages: int, sites: int) -> Web:
    """A link graph whose pages are made by scripts."""
    return made_by_scripts(link_graph(seed=7, sites=sites, pages_per_site=pages // sites, links_per_page=4))


# -- the stories ------------------------------------------------------------------------------------------------------


async def killed_again_and_again(crawl: Victim, rounds: int, moments: Random, dying: Sequence[str] = WHOM) -> str:
    """Anyone of its processes dies, while it fetches, as often as said."""
    pages = len(crawl.served.web.reachable())
    per_round = 2 * pages // rounds
    for whom in islice(cycle(dying), rounds):
        if await crawl.survives(whom, moments.randint(1, max(2, per_round))):
            break
        crawl.records()
    deaths = crawl.kills["group"] + crawl.kills["main"]
    assert deaths >= rounds // 3, f"the crawl was over after {deaths} deaths"
    await is_whole(crawl)
    kills = ", ".join(f"{number} {whom}" for whom, number in crawl.kills.items())
    return f"{pages} pages; killed {kills}; {crawl.fetched_again()} fetched again of {crawl.in_flight_at_most()}"


async def loops_are_killed(crawl: Victim, deaths: int, moments: Random) -> str:
    """One of its event loops dies, again and again, while the command goes on: it starts another one."""
    pages = len(crawl.served.web.reachable())
    killed = 0
    crawl.options = ("--loops", "2")

    async def kill(pid: int) -> None:
        nonlocal killed
        for _ in range(deaths):
            await crawl.sees(moments.randint(5, max(6, pages // deaths)))
            with suppress(psutil.NoSuchProcess):
                killed += bool(loops_of(psutil.Process(pid)))
                crawl.kill(pid, "loop")

    code, said = await crawl.ends(kill=kill)
    assert code == 0, f"exit code {code}: {said}"
    assert killed >= deaths // 2, f"it was over after {killed} deaths of loops"
    await is_whole(crawl)
    again = crawl.fetched_again()
    assert again <= CONCURRENCY * killed + CONCURRENCY
    return f"{pages} pages; {killed} loops killed; {again} fetched again"


async def parents_of_loops_are_killed(crawl: Victim, rounds: int, moments: Random) -> str:
    """The parent dies, or all of it; the next run has another number of loops, or one."""
    pages = len(crawl.served.web.reachable())
    for _, whom in zip(range(rounds), cycle(("main", "group", "main")), strict=False):
        crawl.options = ("--loops", str(moments.choice((1, 2, 3))))
        if await crawl.survives(whom, moments.randint(1, max(2, pages // rounds))):
            break
        crawl.records()
    crawl.options = ("--loops", "2")
    await is_whole(crawl)
    deaths = crawl.kills["main"] + crawl.kills["group"]
    assert deaths >= rounds // 2, f"the crawl was over after {deaths} deaths"
    return f"{pages} pages; {deaths} parents killed; {crawl.fetched_again()} fetched again"


async def killed_while_it_archives(crawl: Victim, rounds: int, moments: Random) -> str:
    """Every file of the archive is valid to its last byte, and each settled attempt stands in it once."""
    crawl.options = ("--warc", "--set", "warc.max_file_bytes=64K")  # so that it rolls over in the middle of all this
    per_round = max(2, 2 * len(crawl.served.web.reachable()) // rounds)
    for _ in range(rounds):
        if await crawl.survives("group", moments.randint(1, per_round)):
            break
    await is_whole(crawl)
    return f"{crawl.kills['group']} deaths; {check_archive(crawl)}"


async def killed_while_it_fills_tables(crawl: Victim, rounds: int, moments: Random) -> str:
    """Every table that is written beside the records has each visit once, and no row that was not settled."""
    add_tables(crawl, *TABLES)
    per_round = max(2, 2 * len(crawl.served.web.reachable()) // rounds)
    for _ in range(rounds):
        if await crawl.survives("group", moments.randint(1, per_round)):
            break
    assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
    await is_whole(crawl)
    return f"{crawl.kills['group']} deaths; {check_tables(crawl, *TABLES)}"


async def killed_while_it_writes_to_a_server(
    crawl: Victim, rounds: int, moments: Random, server: Server | None = None
) -> str:
    """The table of a PostgreSQL server has each visit once, though the server outlives whoever wrote to it."""
    if server is None:
        if why := why_no_server():
            return f"not told: {why}"
        with open_server() as opened:
            return await killed_while_it_writes_to_a_server(crawl, rounds, moments, opened)
    file = crawl.folder.with_name("server.toml")
    table = f'[[sinks]]\nkind = "postgres"\nurl = "{server.url}"\ntable = "killed"\n'
    file.write_text(f'[[sinks]]\nkind = "jsonl"\n{table}')
    crawl.options = ("-c", str(file))
    await server.ask("SELECT 1")
    per_round = max(2, 2 * len(crawl.served.web.reachable()) // rounds)
    for _ in range(rounds):
        if await crawl.survives("group", moments.randint(1, per_round)):
            break
    assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
    await is_whole(crawl)
    found = Counter(await server.ask("SELECT url, visit FROM killed"))
    visits = Counter((record["url"], record["visit"]) for record in crawl.records())
    assert found == visits, f"missing {list(visits - found)[:3]}, too many {list(found - visits)[:3]}"
    return f"{crawl.kills['group']} deaths; {visits.total()} visits once in the table"


async def killed_while_it_finds_near_duplicates(crawl: Victim, rounds: int, moments: Random) -> str:
    """Each near duplicate names the page that was recorded first, and the index has what was settled, no more."""
    crawl.options = ("--text", "--dedupe", "near")
    per_round = max(2, 2 * len(crawl.served.web.reachable()) // rounds)
    for _ in range(rounds):
        if await crawl.survives("group", moments.randint(1, per_round)):
            break
    assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
    await is_whole(crawl)
    return f"{crawl.kills['group']} deaths; {check_repeats(crawl)}"


async def killed_while_it_sends_messages(crawl: Victim, rounds: int, moments: Random, url: str) -> str:
    """The receiver at `url` lives on; it says afterwards whether it was told of each visit."""
    file = crawl.folder.with_name("webhook.toml")
    target = f'[[sinks]]\nkind = "webhook"\nurl = "{url}"\nbatch = 5\nbatch_s = 0.05\n'
    file.write_text(f'[[sinks]]\nkind = "jsonl"\n{target}')
    crawl.options = ("-c", str(file))
    per_round = max(2, 2 * len(crawl.served.web.reachable()) // rounds)
    for _ in range(rounds):
        if await crawl.survives("group", moments.randint(1, per_round)):
            break
    assert crawl.kills["group"] >= 1, "the crawl was over before it could be killed"
    await is_whole(crawl)
    return f"{crawl.kills['group']} deaths"


async def killed_while_it_starts(crawl: Victim, rounds: int, moments: Random) -> str:
    """From the first instant on: the folder is made, workers are started, seeds are read."""
    for _ in range(rounds):
        await crawl.dies_after(moments.uniform(0.0, 2.5))
        crawl.records()
    await is_whole(crawl)
    return f"{crawl.kills['group']} deaths; {len(crawl.served.counts())} URLs asked for in the end"


async def killed_as_it_ends(crawl: Victim, rounds: int, moments: Random) -> str:
    """Once the server saw the last request: the last outcomes are parsed, recorded, settled, and all is closed."""
    web = crawl.served.web
    for _ in range(rounds):
        wanted = web.reachable()

        async def kill(pid: int, wanted: set[str] = wanted) -> None:
            while not wanted <= set(crawl.served.counts(robots=False)):
                await anyio.sleep(0.002)
            await anyio.sleep(moments.uniform(0.0, 0.6))
            with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it was faster
                crawl.kill(pid, "group")

        await crawl.ends(kill=kill)
        crawl.records()
    await is_whole(crawl)
    return f"{crawl.kills['group']} deaths; {crawl.fetched_again()} fetched again of {crawl.in_flight_at_most()}"


async def killed_while_it_starts_over(crawl: Victim, rounds: int, moments: Random) -> str:
    """`--fresh` sets the old folder aside, whole; a death amid that leaves an old folder or a new one, no mixture."""
    await crawl.finishes()
    old = (crawl.folder / "pages.jsonl").read_bytes()
    for turn in range(rounds):
        if turn % 2:
            await crawl.dies_after(moments.uniform(0.3, 3.0), "--fresh")
        else:
            await crawl.survives("group", moments.randint(1, 20), "--fresh")
        crawl.records()
    await crawl.finishes()
    assert not crawl.lost()
    aside = [path / "pages.jsonl" for path in crawl.folder.parent.glob("crawl.old-*")]
    kept = [path.read_bytes() for path in [*aside, crawl.folder / "pages.jsonl"] if path.exists()]
    assert old in kept, "the pages of the old folder are gone"
    return f"{crawl.kills['group']} deaths; {len(aside)} folders set aside, the first crawl's pages among them"


async def started_beside_the_dying(crawl: Victim, rounds: int, moments: Random) -> str:
    """A second start beside a living crawl is refused, one at the instant of its death goes on or is refused."""
    codes: list[int] = []

    async def soon(pid: int) -> None:
        await crawl.sees(3)
        with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it was refused
            crawl.kill(pid, "group")

    for _ in range(rounds):
        async with crawl.running() as first:
            await crawl.sees(moments.randint(1, 4))
            if not codes:
                code, said = await crawl.ends()
                assert code == 2, f"two crawls in one folder: {code} {said}"
                assert "in use by" in said
            crawl.kill(first.pid, "main")
            code, said = await crawl.ends(kill=soon)
            assert code == -signal.SIGKILL or (code == 2 and "in use by" in said), f"{code} {said}"
            codes.append(code)
            await ended(first)
        crawl.records()
    await is_whole(crawl)
    return f"{len(codes)} deaths; {codes.count(2)} second starts were refused, the others went on"


async def leaves_nothing_behind(crawl: Victim, rounds: int, moments: Random) -> str:
    """Workers and what they descend from follow the main process; the temporary folder is empty in the end."""
    slowest_s = 0.0
    for whom in islice(cycle(("main", "main", "group")), rounds):
        async with crawl.running() as first:
            await crawl.sees(moments.randint(1, 20))
            family = crawl.kill(first.pid, whom)
            begun = time.monotonic()
            await ended(first)
            assert await are_gone(family), f"still there: {family}"
            slowest_s = max(slowest_s, time.monotonic() - begun)
    await is_whole(crawl)
    left = sorted(path.name for path in crawl.spare.iterdir())
    assert not left, f"left in the temporary folder: {left}"
    return f"{rounds} deaths; the last process was gone after {slowest_s:.2f} s at most"


async def rests_between_its_lives(crawl: Victim, rounds: int, moments: Random) -> str:
    """A site is not asked again before its rest is over, though who asked it last was killed in the middle of it."""
    for whom in islice(cycle(("group", "main")), rounds):
        if await crawl.survives(whom, moments.randint(1, 6)):
            break
    await is_whole(crawl)
    least = crawl.least_pause_s()
    return f"{sum(crawl.kills.values())} deaths; every site rested {least:.3f} s at least, {crawl.delay_s:g} s wanted"


async def killed_while_it_renders(crawl: Victim, rounds: int, moments: Random) -> str:
    """Pages that scripts make are recorded once; sites rest between the requests of pages; no browser is left."""
    if CHROMIUM is None:
        return "not told: there is no Chromium"
    crawl.options = ("--render", "auto")
    pages = len(crawl.served.web.reachable())
    for whom in islice(cycle(("group", "main", "browser")), rounds):
        async with crawl.running() as running:
            await crawl.sees(moments.randint(2, max(3, pages)))
            family = kill_browser(crawl, running.pid) if whom == "browser" else crawl.kill(running.pid, whom)
            if whom == "browser":
                await crawl.sees(moments.randint(1, 4))
                family += crawl.kill(running.pid, "main")
            await ended(running)
            assert await are_gone(family), f"still there: {family}"
        crawl.records()
    await is_whole(crawl)
    rendered = Counter(record.get("rendered") for record in crawl.records() if record["disposition"] == "fetched")
    assert not rendered[None], f"{rendered[None]} pages were not rendered"
    left = sorted(path.name for path in crawl.spare.iterdir())
    assert not left, f"left in the temporary folder: {left}"
    deaths = crawl.kills["group"] + crawl.kills["main"]
    return f"{deaths} deaths, {crawl.kills['browser']} of browsers; {rendered.total()} rendered"


def kill_browser(crawl: Victim, pid: int) -> list[psutil.Process]:
    """Kill all processes of the browser, but not its keeper. The processes that were there before."""
    family = psutil.Process(pid).children(recursive=True)
    crawl.kills["browser"] += 1
    for process in family:
        with suppress(psutil.Error):
            if "chrom" in process.name():
                process.kill()
    return family


async def is_whole(crawl: Victim) -> None:
    """The crawl comes to its end, and what must be true then is; a further run fetches nothing."""
    await crawl.finishes()
    lost = crawl.lost()
    assert not lost, f"{len(lost)} lost: {sorted(lost)[:3]}"
    again = crawl.fetched_again()
    assert again <= crawl.in_flight_at_most(), f"{again} fetched again, {crawl.in_flight_at_most()} were in flight"
    before = len(crawl.served.hits)
    await crawl.finishes()
    assert len(crawl.served.hits) == before, "a finished crawl asked again"
    least = crawl.least_pause_s()
    assert crawl.per_site > 1 or least >= crawl.delay_s, f"a site rested {least:.3f} s of {crawl.delay_s:g}"
    is_proven(crawl)


def is_proven(crawl: Victim) -> None:
    """Its own record of requests has all that the server got, and proves that it was polite over all its lives."""
    proof = prove_folder(read_folder(crawl.folder, Config()))
    assert proof.is_kept, f"{proof.faults[:2]} {[site.breaches[:2] for site in proof.sites if not site.is_kept]}"
    got = len(crawl.served.hits)
    assert got <= proof.requests <= got + crawl.in_flight_at_most(), f"{proof.requests} on record, the server got {got}"


# -- the table -----------------------------------------------------------------------------------------------------

Story = Callable[[Victim, int, Random], Awaitable[str]]

STORIES: tuple[tuple[Story, int, float, int, float], ...] = (
    (killed_again_and_again, 2000, 0.0, 4, 1.0),
    (loops_are_killed, 1000, 0.0, 4, 0.25),
    (parents_of_loops_are_killed, 1000, 0.0, 4, 0.25),
    (killed_while_it_archives, 1000, 0.0, 4, 0.5),
    (killed_while_it_fills_tables, 1000, 0.0, 4, 0.5),
    (killed_while_it_finds_near_duplicates, 400, 0.0, 4, 0.25),
    (killed_while_it_writes_to_a_server, 1000, 0.0, 4, 0.25),
    (killed_while_it_renders, 60, 0.2, 1, 0.1),
    (rests_between_its_lives, 24, 3.0, 1, 0.1),
    (killed_while_it_starts, 400, 0.0, 4, 0.15),
    (killed_as_it_ends, 40, 0.0, 4, 0.1),
    (killed_while_it_starts_over, 40, 0.0, 4, 0.1),
    (started_beside_the_dying, 200, 0.3, 1, 0.05),
    (leaves_nothing_behind, 400, 0.0, 4, 0.05),
)
"""Each with its pages, the delay of its sites in seconds, requests at a time to one, and its share of the rounds."""


WEBS: Mapping[Story, Callable[[int, int], Web]] = {
    killed_while_it_finds_near_duplicates: repeating_web,
    killed_while_it_renders: scripted_web,
}
"""The web of a story, where it is no troubled one."""


async def tell(rounds: int, seed: int, only: str) -> bool:
    """All stories, a line each; whether all held."""
    print(f"kill matrix, seed {seed}\n{'story':<28} {'':<6} {'seconds':>7}  what was seen")
    held = True
    for story, pages, delay_s, per_site, share in STORIES:
        if only in story.__name__:
            web = WEBS.get(story, troubled_web)(pages, SITES)
            held &= await tell_one(story, web, delay_s, per_site, max(3, round(rounds * share)), seed)
    return held


async def tell_one(story: Story, web: Web, delay_s: float, per_site: int, rounds: int, seed: int) -> bool:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crawld-kills-") as folder:
        async with victim(web, Path(folder), delay_s=delay_s, per_site=per_site) as crawl:
            try:
                word, seen = "ok", await story(crawl, rounds, Random(f"{seed}-{story.__name__}"))
            except Exception as error:  # noqa: BLE001 - the other stories are told all the same
                word, seen = "FAILED", repr(error)
    name = story.__name__.replace("_", " ")
    print(f"{name:<28} {word:<6} {time.monotonic() - begun:>7.1f}  {seen}", flush=True)
    return word == "ok"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="", help="part of a story's name")
    chosen = parser.parse_args()
    sys.exit(not asyncio.run(tell(chosen.rounds, chosen.seed, chosen.only)))


if __name__ == "__main__":
    main()
