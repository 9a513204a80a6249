"""Says where a crawl in an engine stands: the pages, the queue, the nodes (`crawl status NAME --engine URL`)."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show
from .colours import tint
from .counted import Standing, ask, counted_words, moment
from .exit_codes import Exit

if TYPE_CHECKING:
    from crawler import CrawlStanding


async def tell_status(name: str, url: str, *, json: bool) -> Exit:
    """Prints where a crawl stands, in words or as JSON. Raises ConfigError, FrontierError."""
    from crawler import open_engine

    async with open_engine(url) as engine:
        crawl = await engine.standing(name)
        now = await engine.ask(name, ask)
    if json:
        sys.stdout.write(json_line(_record(crawl, now, engine.place)).decode())
        return Exit.DONE
    for line in _words(crawl, now, url):
        print(tint(escape_text(line), sys.stdout))
    return Exit.DONE


def _words(crawl: CrawlStanding, now: Standing, url: str) -> Iterator[str]:
    done = show.many(sum(now.settled.values()), "URL")
    state = _state(crawl)
    yield f"{crawl.name}: {show.many(now.pages, 'page')}, {done} done, {show.number(now.queued)} queued; {state}"
    yield from counted_words(now)
    named = f"{shlex.quote(crawl.name)} --engine {shlex.quote(url)}" if "@" not in url else f"{crawl.name} --engine URL"
    if crawl.is_finished:
        yield f"  to put together what its nodes wrote: crawl merge {named} -o pages.jsonl"
    elif crawl.control != "run":
        yield f"  to let its nodes go on: crawl nodes {named} resume"
    elif not crawl.nodes:
        yield "  to visit what is queued: the command that began it, or crawl work --engine URL"


def _state(crawl: CrawlStanding) -> str:
    if crawl.is_finished:
        return "it is finished"
    nodes = f"{show.many(crawl.nodes, 'node')} at work" if crawl.nodes else "no node works on it"
    return {"pause": f"paused, {nodes}", "stop": f"stopped, {nodes}"}.get(crawl.control, nodes)


def _record(crawl: CrawlStanding, now: Standing, place: str) -> dict[str, object]:
    return {
        "v": 1,
        "crawl": crawl.name,
        "engine": place,
        "nodes": crawl.nodes,
        "control": crawl.control,
        "finished": crawl.is_finished,
        "pages": now.pages,
        "known": crawl.known,
        "settled": dict(now.settled),
        "queued": now.queued,
        "failed": dict(now.failed),
        "parked": now.parked,
        "parked_under": {one.pattern: one.parked for one in now.parkings},
        "sites": [{"site": site, "queued": queued} for site, queued in now.sites],
        "last_visit_at": moment(now.last_visit),
        "next_revisit_at": moment(now.next_revisit),
    }
