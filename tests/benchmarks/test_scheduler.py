"""The real frontier crawls a simulated web in virtual time, and the web sees whether its promises are kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import virtual_time
from benchmarks.scheduler import Report, measure
from benchmarks.simulated_web import RETRIES, Kind, SimulatedWeb
from crawler import Config
from crawler.assembly import parts
from crawler.frontier import Terms

HOSTS, ENOUGH = 1000, 100_000
DEFAULT = parts.terms(Config())


def crawled(hosts: int, folder: Path | None, terms: Terms | None = None, most: int = ENOUGH) -> Report:
    return virtual_time.run(measure(hosts, most, folder, terms=terms))


def whole_sizes(hosts: int, kind: Kind) -> int:
    web = SimulatedWeb(hosts, bytes(16), delay_s=1.0, per_ip=16)
    return sum(web.size(host) for host in range(hosts) if web.kind(host) is kind)


def dead_hosts(hosts: int) -> int:
    web = SimulatedWeb(hosts, bytes(16), delay_s=1.0, per_ip=16)
    return sum(web.kind(host) is Kind.DEAD for host in range(hosts))


@pytest.mark.parametrize(
    "is_on_disk", [pytest.param(True, marks=pytest.mark.slow, id="disk"), pytest.param(False, id="memory")]
)
def test_many_hosts_are_crawled_whole_and_no_promise_is_broken(tmp_path: Path, is_on_disk: bool) -> None:
    report = crawled(HOSTS, tmp_path if is_on_disk else None)
    assert report.account.breaches == {}
    assert report.ended == "exhausted"
    for kind in (Kind.PLAIN, Kind.ASKS, Kind.SLOW):
        assert report.account.by_kind[kind] == whole_sizes(HOSTS, kind)
    assert report.account.by_kind[Kind.DEAD] == RETRIES * dead_hosts(HOSTS)
    assert 0 < report.account.by_kind[Kind.ENDLESS] < 1000
    assert report.parked > 0, "an endless host is left after some pages"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("terms", "breach"),
    [
        (replace(DEFAULT, per_site=2), "two at once"),
        (replace(DEFAULT, per_ip=10_000), "too many at an address"),
    ],
    ids=["sites", "addresses"],
)
def test_a_frontier_that_promises_less_is_seen(terms: Terms, breach: str) -> None:
    report = crawled(HOSTS, None, terms)
    assert report.account.breaches[breach] > 0


def test_time_leaps_while_all_wait() -> None:
    async def nap() -> float:
        loop = virtual_time.current()
        began = loop.time()
        await asyncio.sleep(100_000)
        return loop.time() - began

    assert virtual_time.run(nap()) == pytest.approx(100_000)
