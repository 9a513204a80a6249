"""Pages that hang, alert, fill the memory or open a thousand windows cost one page each."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

import crawler
from crawler import Disposition, Outcome
from crawler.testing import open_web

from .hostile_pages import PAGES, hostile
from .webs import QUICK, needs_chromium

pytestmark = [needs_chromium, pytest.mark.slow]


async def visit(*names: str) -> dict[str, Outcome]:
    """Crawl such pages, and a good one after them."""
    render = {"mode": "always", "page_timeout_s": 2.0, "tab_memory_bytes": 256 << 20}
    settings: dict[str, Any] = QUICK | {"render": render, "max_depth": 0}
    before = browsers()
    async with open_web(hostile(*names)) as served, crawler.stream(served.seeds, **settings) as outcomes:
        found = {outcome.url.path[1:]: outcome async for outcome in outcomes}
    assert not browsers() - before, "no browser outlives its crawl"
    return found


def browsers() -> set[psutil.Process]:
    """Returns the browsers of this process. Other tests may share one of their own."""
    return {one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()}


def check(found: dict[str, Outcome]) -> None:
    """Each page has a record, and the good one was rendered as if the others had not been."""
    for name, outcome in found.items():
        assert outcome.disposition is Disposition.FETCHED, name
    good = found["good"]
    assert good.page
    assert good.page.title == "good"
    assert good.reason is None


async def test_an_endless_script_a_full_memory_and_a_dialog_cost_one_page_each() -> None:
    found = await visit("loop", "heap", "confirms")
    check(found)
    assert "cut off after 2 s" in found["loop"].detail
    assert "more memory" in found["heap"].detail


@pytest.mark.long
@pytest.mark.parametrize("names", [list(PAGES)[at::8] for at in range(8)], ids=lambda names: names[0])
async def test_whatever_a_page_does_it_costs_one_page(names: list[str]) -> None:
    found = await visit(*names)
    assert set(found) == {*names, "good"}
    check(found)
