"""What a page of 40 kB costs in a worker, to hand over to one, and beside a busy loop: `parse_cost`."""

import asyncio
import multiprocessing
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from importlib import import_module

import uvloop

from benchmarks.machine import describe
from benchmarks.pages import prose
from crawler import Config
from crawler.assembly import parts
from crawler.model import Page, Url
from crawler.offload import open_offloader
from crawler.parse import Document, ParseJob, parse
from crawler.parse.selectors import Selector, read_selectors
from crawler.runtime.gil import yield_gil

CONFIG = Config()
BYTES, LINKS = 40_000, 68  # a page of the median size, with the median number of links
BATCHES = (1, 8, 16, 32)
IN_HAND = 128  # calls under way at a time: enough that a batch of 32 is always full
SPIN_S = 0.0002  # what the saturated loop computes at each turn, as callbacks of a busy crawl do
LOOK_S = 3.0
FIELDS = (
    ("heading", "css:h1"), ("price", "css:.price as number"), ("links", "css:a[] as url"),
    ("sku", "jsonld:Product.sku"), ("first", "xpath://p[1]"), ("number", "re:number ([0-9]+) as number"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HandOver:
    """One page through the offloader, costs in milliseconds."""

    batch: int
    loop_ms: float
    """CPU of the loop's thread."""
    parent_ms: float
    """CPU of all threads of its process."""
    wall_ms: float
    """Time a page, one worker."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A pool of one worker beside a loop."""

    batches_a_second: float
    turns_a_second: float
    """Turns of the busy loop, each with its share of work; what breathing costs it."""


def main() -> int:
    print(describe(sys.executable))
    known, new = _documents(repeat=True), _documents(repeat=False)
    print(f"\npages of {len(new[0].body):,} bytes with {LINKS} links")
    print("\n| parse alone, in one process | ms a page |\n|---|---|")
    print(f"| all links known | {_parse_ms(known):.2f} |\n| all links new | {_parse_ms(new):.2f} |")
    briefly = [replace(document, may_be_brief=True) for document in known]
    print(f"| all links known, not compared with other pages | {_parse_ms(briefly):.2f} |")
    print(f"| all links known, with the facts of an audit | {_parse_ms(known, wants_audit=True):.2f} |")
    for words, fields in (("one field by a selector", FIELDS[:1]), ("six fields by selectors", FIELDS)):
        print(f"| all links known, with {words} | {_parse_ms(known, fields=read_selectors(fields)):.2f} |")
    nothing = import_module("benchmarks.parse_cost")._nothing  # as workers find it; here the module may be `__main__`
    print("\n| hand-over, nothing done to the page | loop ms | parent ms | wall ms |\n|---|---|---|---|")
    for size in BATCHES:
        print(_row(uvloop.run(_hand_over(size, known, nothing))))
    print("\n| hand-over and parse, all links known | loop ms | parent ms | wall ms |\n|---|---|---|---|")
    for size in BATCHES:
        print(_row(uvloop.run(_hand_over(size, known, parse))))
    _starvation(known[:8])
    return 0


def _starvation(batch: list[Document]) -> None:
    print(f"\n| a pool of one worker, batches of {len(batch)} pages | batches/s | turns/s of the loop |\n|---|---|---|")
    idle = uvloop.run(_beside(batch, is_busy=False, breath=nullcontext))
    starved = uvloop.run(_beside(batch, is_busy=True, breath=nullcontext))
    fed = uvloop.run(_beside(batch, is_busy=True, breath=yield_gil))
    for name, seen in (("idle", idle), ("busy", starved), ("busy, with `crawler.runtime.gil`", fed)):
        print(f"| beside a loop that is {name} | {seen.batches_a_second:.1f} | {seen.turns_a_second:.0f} |")


def _row(cost: HandOver) -> str:
    return f"| batches of {cost.batch} | {cost.loop_ms:.3f} | {cost.parent_ms:.3f} | {cost.wall_ms:.3f} |"


# -- the pages -------------------------------------------------------------------------------------------------------


def _documents(*, repeat: bool, count: int = 400) -> list[Document]:
    """Pages whose links are the same on each (`repeat`), or stand on no other page."""
    rng = random.Random(11)
    text = prose(rng, BYTES - LINKS * 90)
    return [_document(number, 0 if repeat else number, text) for number in range(count)]


def _document(number: int, series: int, text: str) -> Document:
    anchors = "".join(
        f'<li><a class="ref" href="/section-{i % 12}/topic-{series}/article-{i}.html">what article {i} says</a></li>\n'
        for i in range(LINKS)
    )
    body = f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>page {number}</title></head><body>{text}"
    url = Url(f"http://example.org/section-1/page-{number}.html")
    return Document(url, (body + f"<ul>{anchors}</ul></body></html>").encode(), "text/html; charset=utf-8", anchor=url)


def _job(run: int) -> ParseJob:
    return replace(parts.job(CONFIG, parts.scope(CONFIG), b"benchmark"), run=b"%d" % run)


# -- parse alone -----------------------------------------------------------------------------------------------------


def _parse_ms(documents: list[Document], *, wants_audit: bool = False, fields: tuple[Selector, ...] = ()) -> float:
    """Milliseconds a page: the best of five rounds, each a run of its own."""
    return min(_round_ms(documents, replace(_job(run), wants_audit=wants_audit, fields=fields)) for run in range(5))


def _round_ms(documents: list[Document], job: ParseJob) -> float:
    parse(documents[0], job)
    began = time.process_time()
    for document in documents[1:]:
        parse(document, job)
    return (time.process_time() - began) / (len(documents) - 1) * 1000


# -- hand-over -------------------------------------------------------------------------------------------------------


def _nothing(document: Document, job: ParseJob) -> Page:
    return Page(digest=bytes(32), length=len(document.body))


async def _hand_over(batch: int, documents: list[Document], work: Callable[[Document, ParseJob], Page]) -> HandOver:
    job, queue = _job(batch), asyncio.Queue[Document]()
    for document in documents * 5:
        queue.put_nowait(document)
    async with open_offloader(replace(parts.workers(CONFIG), count=1, batch=batch)) as offloader:
        await offloader.run(work, documents[0], job)

        async def caller() -> None:
            while not queue.empty():
                document = queue.get_nowait()
                await offloader.run(work, document, job, size=len(document.body))

        pages = queue.qsize()
        began, loop_s, parent_s = time.perf_counter(), time.thread_time(), time.process_time()
        await asyncio.gather(*(caller() for _ in range(IN_HAND)))
        spent = time.thread_time() - loop_s, time.process_time() - parent_s, time.perf_counter() - began
    return HandOver(batch, *(seconds / pages * 1000 for seconds in spent))


# -- beside a busy loop ----------------------------------------------------------------------------------------------


async def _beside(
    batch: list[Document], *, is_busy: bool, breath: Callable[[], AbstractContextManager[None]]
) -> Beside:
    """How often a pool answers while its loop has work at every turn; three batches are under way at a time."""
    loop, job, answered = asyncio.get_running_loop(), _job(0), [0]
    with _pool() as pool:
        await loop.run_in_executor(pool, _read_all, batch, job)
        until = time.perf_counter() + LOOK_S

        async def caller() -> None:
            while time.perf_counter() < until:
                with breath():
                    await loop.run_in_executor(pool, _read_all, batch, job)
                answered[0] += time.perf_counter() < until

        callers = asyncio.gather(*(caller() for _ in range(3)))
        turns = await _spin(until) if is_busy else 0
        await callers
    return Beside(answered[0] / LOOK_S, turns / LOOK_S)


async def _spin(until: float) -> int:
    turns = 0
    while (now := time.perf_counter()) < until:
        while time.perf_counter() < now + SPIN_S:
            pass
        turns += 1
        await asyncio.sleep(0)
    return turns


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver"))


def _read_all(batch: list[Document], job: ParseJob) -> list[Page]:
    return [parse(document, job) for document in batch]


if __name__ == "__main__":
    raise SystemExit(main())
