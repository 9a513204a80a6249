"""A focus finds more of what is sought than breadth-first does, over restarts, too, and breaks no other promise."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

import crawler
from crawler import Config, ConfigError, Content, Parsed, inspect_folder, read_folder
from crawler.lookback.harvest import Harvest
from crawler.parse.focus import find_relevance, join_texts, promise, rate_link, to_priority
from crawler.settings.focus import read_focus
from crawler.testing import Page, Site, Web, html, open_web

QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline", "concurrency": 1}
FOCUS = 'solar "heat pump"'
PAGES = 400


def topical_web(seed: int = 3) -> dict[str, Page]:
    """Pages of which a fifth are about the focus; these link to one another more often. Half of their URLs say so."""
    dice = random.Random(seed)
    is_about = [dice.random() < 0.2 for _ in range(PAGES)]
    names = [
        f"/solar-heat-pump-{n}" if about and dice.random() < 0.5 else f"/page-{n}" for n, about in enumerate(is_about)
    ]
    alike = {about: [n for n in range(PAGES) if is_about[n] is about] for about in (True, False)}

    def links(about: bool) -> list[str]:
        near = dice.choices(alike[about], k=5)
        return [names[n] for n in (*near, *dice.choices(range(PAGES), k=5))]

    text = {True: ("Solar power and a heat pump. Solar again, and the heat pump as well. " * 3,), False: ("Sheep.",)}
    home = html("Home", [names[n] for n in range(0, PAGES, 40)])
    return {"/": home} | {
        names[n]: html(f"Page {n}", links(about), text=text[about]) for n, about in enumerate(is_about)
    }


def records(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "pages.jsonl").read_bytes().splitlines()]


async def test_a_focus_harvests_more_than_breadth_first_over_a_restart_too(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", topical_web())])) as served:
        focused = {"focus": FOCUS, "folder": tmp_path / "focused"}
        for limit in (50, 100):
            await crawler.crawl(served.seeds, **(QUICK | focused | {"limit": limit}))
        plain = {"focus": FOCUS, "folder": tmp_path / "plain", "max_depth": 50}
        await crawler.crawl(served.seeds, **(QUICK | plain | {"limit": 100}))
    found = [[one.get("relevance", 0) >= 0.5 for one in records(tmp_path / name)] for name in ("focused", "plain")]
    assert [len(one) for one in found] == [100, 100]
    rates = [sum(one) / 100 for one in found]
    assert rates[0] > 2 * rates[1], rates
    assert sum(found[0][50:]) > sum(found[1][50:]), "the second run goes on as the first one did"
    inspected = inspect_folder(read_folder(tmp_path / "focused", Config()))
    assert sum(one.pages for one in inspected.harvest) == 100
    assert sum(one.relevant for one in inspected.harvest) == sum(found[0])


async def test_with_a_depth_limit_nearer_pages_go_first_and_the_limit_is_exact(tmp_path: Path) -> None:
    async with open_web(Web([Site("a.test", topical_web())])) as served:
        for name, focus in (("focused", FOCUS), ("plain", "")):
            await crawler.crawl(served.seeds, folder=tmp_path / name, max_depth=2, focus=focus, **QUICK)
    focused, plain = records(tmp_path / "focused"), records(tmp_path / "plain")
    assert {(one["url"], one["depth"]) for one in focused} == {(one["url"], one["depth"]) for one in plain}
    depths = [one["depth"] for one in focused]
    assert depths == sorted(depths)
    first = [bool(one["url"].count("solar")) for one in focused if one["depth"] == 2]
    assert sum(first[: len(first) // 4]) > sum(first[len(first) // 4 :]) / 2
    assert "relevance" not in plain[0]


async def test_every_site_keeps_its_turns(tmp_path: Path) -> None:
    sites = [Site("a.test", topical_web()), Site("b.test", {"/": html("B", [f"/{n}" for n in range(99)])} | {
        f"/{n}": html(f"B{n}") for n in range(99)
    })]  # fmt: skip
    async with open_web(Web(sites, ["http://a.test/", "http://b.test/"])) as served:
        await crawler.crawl(served.seeds, folder=tmp_path / "c", focus=FOCUS, limit=80, **QUICK)
        of_b = sum(served.url("b.test") in one["url"] for one in records(tmp_path / "c"))
    assert 30 <= of_b <= 50, "a site that nobody seeks is visited as often as the other"


async def test_a_function_of_ones_own_orders_links_and_judges_pages(tmp_path: Path) -> None:
    pages = {"/": html("Home", [f"/{n}" for n in range(30)])} | {f"/{n}": html(f"P{n}") for n in range(30)}
    async with open_web(Web([Site("a.test", pages)])) as served:
        await crawler.crawl(served.seeds, folder=tmp_path / "c", parse=largest_first, **QUICK)
        await crawler.crawl(served.seeds, folder=tmp_path / "d", parse=broken, **QUICK)
    said = records(tmp_path / "c")
    numbers = [int(one["url"].rpartition("/")[2] or -1) for one in said[1:]]
    assert min(numbers[:10]) > max(numbers[12:])
    assert [one["relevance"] for one in said] == [0.25] * 31
    failed = records(tmp_path / "d")
    assert (len(failed), failed[0]["reason"]) == (31, "parse"), "the links are not lost"


def largest_first(page: Content) -> Parsed[object]:
    return Parsed(score=lambda url, text: int(url.rpartition("/")[2] or 0) / 30, relevance=0.25)


def broken(page: Content) -> Parsed[object]:
    return Parsed(score=lambda url, text: 1 / 0)


def test_words_of_a_focus() -> None:
    assert read_focus('Solar  "Heat   Pump" solar insulat*') == ("solar", "heat pump", "insulat*")
    assert read_focus(" ") == ()
    for wrong, words in (("+ -", "a word"), (" ".join(map(str, range(17))), "16 words")):
        with pytest.raises(ConfigError, match=words):
            Config(focus=wrong)


@pytest.mark.parametrize(
    ("words", "title", "text", "least", "most"),
    [
        ("solar", "Solar power", "", 1, 1),
        ("solar", "Parasolarium", "parasolar solarium", 0, 0),
        ("sol*", "", "solar solarium Solstice", 0.5, 0.5),
        ('"heat pump"', "", "the heat-pump, a Heat\n pump and a heat  pump; heatpump", 0.5, 0.5),
        ("solar wind", "Solar", "", 0.5, 0.5),
        ("手机", "我们的手机店", "", 1, 1),
        ("C++", "", "c", 0.25, 0.25),
    ],
)
def test_relevance(words: str, title: str, text: str, least: float, most: float) -> None:
    assert least <= find_relevance(read_focus(words), title, text) <= most


def test_a_link_promises_by_its_text_its_url_and_its_page() -> None:
    words = read_focus("solar panels")
    assert rate_link(words, "https://a.example/x", "Solar panels") == 1
    assert rate_link(words, "https://a.example/solar-panels.html", "more") == 1
    assert rate_link(words, "https://a.example/x", "panels") == 0.5
    assert rate_link(words, "https://a.example/%73olar", "") == 0.5
    assert promise(1, 0, 0) > promise(0, 1, 0) > promise(0.5, 0, 0) > promise(0, 0, -20) > promise(0, 0, 0) == 0
    assert to_priority(1) == -20
    assert to_priority(1, -99) == -99, "sitemaps go first"
    texts: Mapping[str, str] = join_texts([("a", "one"), ("b", "two"), ("a", "three")], lambda href: f"x/{href}")
    assert texts == {"x/a": "one three", "x/b": "two"}


def test_a_harvest_is_counted_in_bounded_memory() -> None:
    counted = Harvest()
    for n in range(1000):
        counted.add_line(b'{"url":"x","data":{"relevance":1.0},"relevance":%b}\n' % (b"0.9" if n < 500 else b"0.1"))
    counted.add_line(b'{"url":"x","data":{"relevance":1.0}}\n')
    found = counted.stretches()
    assert len(found) <= 10
    assert (sum(one.pages for one in found), sum(one.relevant for one in found)) == (1000, 500)
    assert found[0].relevant == found[0].pages
    assert found[-1].relevant == 0
