"""Whole crawls of sites that are out for a time, or that block: real sockets, a real parser and a real frontier."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

import crawler
from crawler.metrics.metrics import Summary
from crawler.model import Disposition, Reason
from crawler.testing import Answer, Asked, Page, Site, Web, html, open_web
from tests.answering import words

QUICK: dict[str, Any] = {
    "allow_networks": ["127.0.0.0/8"], "delay_s": 0.0, "executor": "inline", "retry_delay_s": 0.03,
    "max_retry_after_s": 2.0,
}  # fmt: skip
HTML = (("Content-Type", "text/html; charset=utf-8"),)

Say = Callable[[str], Answer]
"""What a server that is out answers to a path."""


def page(body: str, status: int = 200, fields: Sequence[tuple[str, str]] = ()) -> Answer:
    return Answer(status, (*HTML, *fields), body.encode())


@dataclass
class Shop:
    """A home page that lists items; after so many of these were given, the server is out for a time."""

    say: Say
    items: int = 150
    well: int = 40
    out_s: float = 0.2
    least: int = 0
    """Answers of an outage, however slow the crawl: fewer are not noticed."""
    asked: int = 0
    until: float = 0.0
    said: Counter[str] = field(default_factory=Counter)

    def web(self) -> Web:
        paths = [f"/item/{n}" for n in range(self.items)]
        pages = {"/": html("Home", paths), "/maintenance": html("Maintenance"), "/login": html("Log in")}
        return Web([Site("a.test", pages | {path: self._item(path) for path in paths})])

    def _item(self, path: str) -> Page:
        return Page(lambda asked: self._answer(path), fixed=False)

    def _answer(self, path: str) -> Answer:
        self.asked += 1
        if self.asked == self.well:
            self.until = time.monotonic() + self.out_s
        if self.until and (time.monotonic() < self.until or self.said.total() < self.least):
            self.said[path] += 1
            return self.say(path)
        return page(f"<title>Item {path}</title><p>{words(path)}")


SAID: dict[str, Say] = {
    "one page": lambda path: page("<title>Maintenance</title><p>We will be back soon."),
    "nothing": lambda path: page(""),
    "a login": lambda path: page(f"<title>Log in</title><form>User<input>Password<input value='{path}'></form>"),
    "too many requests": lambda path: page("<p>Too many requests, slow down."),
    "the time": lambda path: page(f"<title>Maintenance</title><p>We will be back soon. It is {time.time():.6f}."),
    "a redirect": lambda path: Answer(302, (("Location", "/maintenance"),)),
    "a redirect to a login": lambda path: Answer(302, (("Location", f"/login?next={path}"),)),
}  # fmt: skip


async def crawled(web: Web, folder: Path, **settings: object) -> tuple[Summary, list[dict[str, Any]]]:
    async with open_web(web) as served:
        summary = await crawler.crawl(served.seeds, folder=folder, **(QUICK | settings))
    return summary, [orjson.loads(line) for line in (folder / "pages.jsonl").read_bytes().splitlines()]


def items(records: Sequence[dict[str, Any]]) -> set[str]:
    """The paths of the items that came, each with its own content."""
    return {title.removeprefix("Item ") for one in records if (title := one["title"] or "").startswith("Item ")}


@pytest.mark.slow
async def test_a_shop_that_is_out_for_a_while_is_crawled_to_its_last_item(tmp_path: Path) -> None:
    shop = Shop(SAID["one page"], items=1500, well=200, out_s=0.6)
    summary, records = await crawled(shop.web(), tmp_path, per_site=4)
    assert len(items(records)) == 1500
    assert summary.counts.settled[Disposition.FETCHED] == summary.counts.known == 1501
    assert (summary.queued, summary.traps) == (0, ())
    assert shop.said.total() < 30
    [hindrance] = summary.hindrances
    assert hindrance.reason is Reason.SOFT_OUTAGE
    assert 0 < hindrance.n <= shop.said.total()  # pages that are read again only to see are not counted


@pytest.mark.slow
@pytest.mark.parametrize("per_site", [1, 4])
@pytest.mark.parametrize("said", SAID)
async def test_all_that_a_server_may_say_meanwhile_is_known(tmp_path: Path, said: str, per_site: int) -> None:
    shop = Shop(SAID[said], least=9)
    summary, records = await crawled(shop.web(), tmp_path, per_site=per_site)
    assert len(items(records)) == shop.items
    assert summary.traps == ()
    assert not summary.failures
    assert shop.said.total() < 40


@pytest.mark.long
@pytest.mark.slow
async def test_an_outage_that_does_not_end_fails_and_keeps_what_came(tmp_path: Path) -> None:
    shop = Shop(SAID["one page"], out_s=600, items=80)
    summary, records = await crawled(shop.web(), tmp_path)
    failed = [one for one in records if one["disposition"] == "failed"]
    assert len(items(records)) + len({one["url"] for one in failed}) + summary.counts.parked == 80
    assert [trap.reason for trap in summary.traps] == [Reason.SOFT_OUTAGE]
    assert {(one["reason"], one["title"], one["status"]) for one in failed} == {("soft-outage", "Maintenance", 200)}
    assert summary.counts.settled[Disposition.FAILED] == len(failed)


@pytest.mark.slow
@pytest.mark.parametrize("said", ["one page", "nothing", "too many requests", "a redirect"])
async def test_a_crawl_that_goes_on_amid_an_outage_knows_what_its_site_was_like(tmp_path: Path, said: str) -> None:
    """What came in the run before is no longer in memory, but that URLs of the kind brought different contents is."""
    shop = Shop(SAID[said], well=10**9)
    async with open_web(shop.web()) as served:
        await crawler.crawl(served.seeds, folder=tmp_path, limit=60, **QUICK)
        shop.until = time.monotonic() + 1.0
        again = QUICK | {"limit": None, "retry_delay_s": 0.3, "max_retry_after_s": 10.0}
        summary = await crawler.crawl(served.seeds, folder=tmp_path, **again)
    records = [orjson.loads(line) for line in (tmp_path / "pages.jsonl").read_bytes().splitlines()]
    assert shop.said
    assert len(items(records)) == shop.items
    assert not summary.failures


def _is_sick(path: str, asked: Asked) -> bool:
    return asked.visit == 1 and int(path.rpartition("/")[2]) % 10 == 9


@pytest.mark.slow
@pytest.mark.parametrize("said", ["one page", "nothing", "the time", "a redirect"])
async def test_a_sick_server_of_ten_costs_no_page(tmp_path: Path, said: str) -> None:
    """Behind a balancer every tenth item is first asked of it, and of another one then."""
    shop = Shop(SAID[said], items=300, well=10**9)

    def item(path: str) -> Page:
        return Page(lambda asked: SAID[said](path) if _is_sick(path, asked) else shop._answer(path), fixed=False)

    paths = [f"/item/{n}" for n in range(300)]
    pages = {"/": html("Home", paths), "/maintenance": html("Maintenance"), **{path: item(path) for path in paths}}
    summary, records = await crawled(Web([Site("a.test", pages)]), tmp_path)
    assert len(items(records)) == 300
    assert not summary.failures
    assert shop.asked < 360


@pytest.mark.slow
async def test_items_that_are_missing_in_a_row_are_believed(tmp_path: Path) -> None:
    def answer(n: int) -> Page:
        return (
            html(f"Item /item/{n}", text=[words(n)], size_bytes=0)
            if not 100 <= n < 140
            else html("Sorry, no such item", size_bytes=0)
        )

    paths = {f"/item/{n}": answer(n) for n in range(300)}
    summary, records = await crawled(Web([Site("a.test", {"/": html("Home", list(paths)), **paths})]), tmp_path)
    assert len(items(records)) == 260
    assert not summary.failures
    assert len({one["url"] for one in records}) == 301


# -- blocks ----------------------------------------------------------------------------------------------------------

CHALLENGE = "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>"


def blocking(answer: Answer, well: int, items: int = 40) -> Web:
    """A site that blocks whoever asked for so many pages."""
    asked = Counter[str]()

    def item(path: str) -> Page:
        def say(_: object) -> Answer:
            asked["all"] += 1
            return page(f"<title>Item {path}</title><p>{words(path)}") if asked["all"] <= well else answer

        return Page(say, fixed=False)

    paths = [f"/item/{n}" for n in range(items)]
    return Web([Site("a.test", {"/": html("Home", paths), **{path: item(path) for path in paths}})])


BLOCKS = {
    "a challenge": (page(CHALLENGE, 403), "HTTP 403, Cloudflare: challenge"),
    "a challenge with status 200": (page(CHALLENGE), "Cloudflare: challenge"),
    "a header": (page("", 202, [("x-amzn-waf-action", "challenge")]), "AWS WAF: x-amzn-waf-action"),
    "a rate limit": (page("<script>window.KPSDK={}</script>", 429), "HTTP 429, Kasada: challenge"),
    "words": (page("<title>Access denied</title><p>You have been blocked."), 'says "you have been blocked"'),
    "a consent wall": (Answer(302, (("Location", "https://consent.youtube.com/m"),)), "redirect to the consent wall"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
async def test_a_site_that_blocks_is_left_alone_and_what_is_left_of_it_is_parked(tmp_path: Path, name: str) -> None:
    answer, evidence = BLOCKS[name]
    summary, records = await crawled(blocking(answer, 10), tmp_path, max_attempts=2)
    assert len(items(records)) == 10
    [hindrance] = summary.hindrances
    assert hindrance.reason is Reason.BLOCKED
    assert 3 <= hindrance.n <= 5  # pages that are read again only to see are not counted
    assert evidence in hindrance.detail
    counts = summary.counts
    assert counts.parked + counts.settled.get(Disposition.FAILED, 0) == 30
    assert counts.parked >= 25
    [trap] = [trap for trap in summary.traps if trap.parked]
    assert (trap.reason, trap.pattern.endswith("/**")) == (Reason.BLOCKED, True)


@pytest.mark.slow
async def test_a_page_for_members_amid_others_is_tried_again_and_taken_for_what_it_is(tmp_path: Path) -> None:
    paths = {f"/item/{n}": html(f"Item {n}", text=[words(n)]) for n in range(60)}
    paths["/members"] = Page(lambda _: page("<title>Access denied</title><p>For members only."))
    summary, records = await crawled(Web([Site("a.test", {"/": html("Home", list(paths)), **paths})]), tmp_path)
    assert not summary.failures
    assert {one["disposition"] for one in records} == {"fetched"}


async def test_an_error_without_a_mark_is_an_error(tmp_path: Path) -> None:
    forbidden = page("<title>403 Forbidden</title><h1>Forbidden</h1>nginx", 403)
    summary, _ = await crawled(blocking(forbidden, 10), tmp_path)
    assert summary.reasons[Reason.STATUS_4XX] == 30
    assert not summary.hindrances
