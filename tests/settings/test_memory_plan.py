"""One figure for the memory of a crawl becomes settings that together stay below it."""

from __future__ import annotations

import pytest

from crawler.engine.memory_watch import estimate_bytes
from crawler.errors import ConfigError
from crawler.offload.pool import SHARE
from crawler.settings.loading import load
from crawler.settings.memory_plan import COPIES, MIB, PROGRAM, WORKER, plan_memory
from crawler.standing import Counts

TOTALS = [256, 300, 384, 512, 700, 1024, 2048, 8192, 65536]


@pytest.mark.parametrize("cores", [1, 2, 8, 64])
@pytest.mark.parametrize("mib", TOTALS)
def test_the_parts_of_a_plan_stay_below_the_whole(mib: int, cores: int) -> None:
    config = load(settings=plan_memory(mib * MIB, cores))
    offload, fetch = config.offload, config.fetch
    pages = offload.page_memory_bytes * (1 + (offload.workers - 1) / SHARE)
    parts = PROGRAM + offload.workers * WORKER + pages + fetch.budget_bytes + COPIES * fetch.max_body_bytes
    assert parts + config.frontier.memory_bytes <= mib * MIB
    assert 1 <= offload.workers <= cores


@pytest.mark.parametrize("cores", [1, 2, 8, 64])
def test_more_memory_never_means_smaller_bodies(cores: int) -> None:
    bodies = [load(settings=plan_memory(mib * MIB, cores)).fetch.max_body_bytes for mib in TOTALS]
    assert bodies == sorted(bodies)


def test_too_little_memory_is_refused() -> None:
    with pytest.raises(ConfigError, match="256 MiB"):
        plan_memory(255 * MIB, 1)


def test_what_is_known_grows_with_urls_and_sites() -> None:
    assert estimate_bytes(Counts(known=1_000_000)) == 20_000_000
    assert estimate_bytes(Counts(known=1_000_000, sites=1000)) == 26_000_000
