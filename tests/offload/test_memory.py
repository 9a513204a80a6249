"""What calls may take of memory: a little each, much one at a time, and no more than that."""

from __future__ import annotations

import asyncio
import gzip
import os
import resource
import sys
import time
import zlib
from dataclasses import replace
from itertools import pairwise

import brotli
import pytest

from crawler.errors import OffloadError, ParseError, VisitError
from crawler.model import Reason, Url
from crawler.offload import open_offloader
from crawler.parse import Document, ParseJob, parse
from tests.defaults import make_job, make_scope, make_workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only the kernel of Linux bounds it")
MIB = 1 << 20
WORKERS = make_workers(count=2, page_memory_bytes=64 * MIB)
KEPT: list[bytearray] = []


def fill(mib: int) -> tuple[float, float]:
    """From when to when it held so much."""
    began = time.monotonic()
    held = bytearray(mib * MIB)
    time.sleep(0.05)
    return began, time.monotonic() + len(held) * 0


def keep(mib: int) -> int:
    KEPT.append(bytearray(b"x") * (mib * MIB))
    return os.getpid()


def square(n: int) -> int:
    return n * n


@pytest.mark.slow
async def test_a_call_may_have_much_memory_if_it_has_it_alone() -> None:
    async with open_offloader(WORKERS) as pool:
        times = sorted(await asyncio.gather(*(pool.run(fill, 40) for _ in range(4))))
    assert all(ended <= began for (_, ended), (began, _) in pairwise(times))


@pytest.mark.slow
async def test_a_call_that_needs_more_than_that_fails_and_harms_no_other() -> None:
    async with open_offloader(WORKERS) as pool:
        greedy = pool.run(fill, 100)
        answers = await asyncio.gather(greedy, *(pool.run(square, n) for n in range(8)), return_exceptions=True)
        assert isinstance(answers[0], OffloadError)
        assert answers[0].reason is Reason.PARSE
        assert answers[1:] == [n * n for n in range(8)]


async def test_a_coding_for_which_memory_was_short_is_not_called_broken() -> None:
    """Brotli says the same of both. With all the memory that one page may have, it is opened."""
    body = brotli.compress(b"<p>abc def <a href=/x>y</a> " * 400_000, quality=5, lgwin=24)
    job = make_job(key=b"k" * 16, run=b"test-memory", bounds=make_scope())
    coded = Document(Url("http://h/"), body, "image/png", content_encoding="br")
    async with open_offloader(make_workers(count=1, page_memory_bytes=60 * MIB)) as pool:
        page = await pool.run(parse, coded, job, size=1 << 16)
        with pytest.raises(ParseError) as caught:
            await pool.run(parse, replace(coded, body=body[:-20] + b"x" * 20), job, size=1 << 16)
    assert page.length == 11_200_000
    assert caught.value.reason is Reason.DECOMPRESSION


@pytest.mark.slow
async def test_the_bound_holds_for_each_call_anew() -> None:
    async with open_offloader(make_workers(count=1, page_memory_bytes=64 * MIB)) as pool:
        for _ in range(3):
            await pool.run(fill, 40)


@pytest.mark.slow
async def test_a_worker_that_keeps_growing_makes_place_for_a_new_one() -> None:
    async with open_offloader(make_workers(count=1, page_memory_bytes=256 * MIB)) as pool:
        workers = {await pool.run(keep, 90) for _ in range(4)}
    assert len(workers) > 1


CODED = b"<p>abc def <a href=/x>y</a> " * 100_000
STARVED = {
    "gzip": Document(Url("http://h/"), gzip.compress(CODED), "text/html", content_encoding="gzip"),
    "deflate": Document(Url("http://h/"), zlib.compress(CODED), "text/html", content_encoding="deflate"),
    "br": Document(Url("http://h/"), brotli.compress(CODED, quality=5), "text/html", content_encoding="br"),
    "deep": Document(Url("http://h/"), b"<div>" * 100_000, "text/html"),
    "attributes": Document(Url("http://h/"), b"<p " + b" ".join(b"a%d=1" % n for n in range(50_000)), "text/html"),
    "text": Document(Url("http://h/"), "é".encode() * 1_000_000, "text/plain"),
    "sitemap": Document(Url("http://h/"), b"<urlset>" + b"<url><loc>/1</loc></url>" * 50_000, "application/xml"),
}


@pytest.mark.slow
async def test_code_that_is_not_pythons_says_so_where_it_gets_no_memory_and_harms_nobody() -> None:
    """Decoders, parsers and encoders, with less than they need: each costs its own call, and none its worker."""
    job = make_job(key=b"k" * 16, run=b"test-starved", bounds=make_scope(), wants_links=True, wants_text=True)
    async with open_offloader(make_workers(count=1, page_memory_bytes=2 * MIB)) as pool:
        before = await pool.run(os.getpid)
        calls = [pool.run(parse, document, job, size=1 << 16) for document in STARVED.values()]
        answers = await asyncio.gather(*calls, pool.run(square, 3), return_exceptions=True)
        assert await pool.run(os.getpid) == before
    assert answers.pop() == 9
    assert [name for name, answer in zip(STARVED, answers, strict=True) if not isinstance(answer, VisitError)] == []


def count_page_faults(document: Document, job: ParseJob, pages: int) -> float:
    """How often the kernel gave memory anew for each of these pages, once the first ones were read."""
    for _ in range(4):
        parse(document, job)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(pages):
        parse(document, job)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / pages


async def test_a_worker_keeps_the_memory_that_one_page_after_the_other_takes() -> None:
    body = b"<html><body>" + b"".join(b"<p>Some words of <a href=/%d>a link</a></p>\n" % i for i in range(900))
    job = make_job(key=b"k" * 16, run=b"test-memory", bounds=make_scope())
    async with open_offloader(make_workers(count=1)) as pool:
        assert await pool.run(count_page_faults, Document(Url("http://h/"), body, "text/html"), job, 40) < 4


async def test_a_tree_that_grows_without_bound_costs_its_bound_and_leaves_its_links() -> None:
    """Formatting that is opened again in every paragraph: 138 kB grow a tree of 670 MB."""
    body = b"".join(b"<b a=%d><p>x<a href=/%d>y</a>" % (i, i) for i in range(6000))
    url = Url("http://h/")
    job = make_job(key=b"k" * 16, run=b"test-memory", bounds=make_scope())
    async with open_offloader(WORKERS) as pool:
        with pytest.raises(OffloadError) as caught:
            await pool.run(parse, Document(url, body, "text/html"), job, size=len(body))
        page = await pool.run(parse, Document(url, body, "text/html", is_suspect=True), job, size=len(body))
    assert caught.value.reason is Reason.PARSE
    assert (page.n_links, page.is_scanned) == (6000, True)
