"""Crawls with parse functions: their links are followed, their results come as objects, their failures are told."""

from __future__ import annotations

import inspect
import json
import logging
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest

import crawler
from crawler import Content, Label, Link, Outcome, Parsed, Reason
from crawler.api.streaming import StreamOptions
from crawler.testing import Site, Web, html, open_web
from tests.list_sink import ListSink

QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "workers": 1}
SHOP = {
    "/": html("Shop", ["/about"]),
    "/about": html("About", ["/legal"]),
    "/legal": html("Legal"),
    "/list?page=1": html("List 1", ["/ad"]),
    "/list?page=2": html("List 2", ["/ad"]),
    "/tea": html("Tea", ["/ad"]),
    "/coffee": html("Coffee"),
    "/ad": html("Ad"),
}


@dataclass
class Item:
    title: str
    shelf: object
    at: tuple[int, ...]


def start(content: Content) -> Parsed[Item]:
    return Parsed(links=[Link("/list?page=1", label="list"), "http://elsewhere.test/"])


def listing(content: Content) -> Parsed[Item]:
    page = int(content.url.text[-1])
    links = [Link(["/tea", "/coffee"][page - 1], label="item", data={"shelf": page})]
    if page == 1:
        links.append(Link("/list?page=2", label="list", priority=-1))
    return Parsed(links=links, follow=False)


def item(content: Content) -> Parsed[Item]:
    assert content.via is not None
    shelf = (content.request.data or {}).get("shelf")
    return Parsed(Item(content.page.title, shelf, (content.depth, len(content.via.path))), follow=False)


PARSE = [(Label("list"), listing), (Label("item"), item), ("re:/$", start)]


def by_path(got: list[Outcome]) -> dict[str, Outcome]:
    assert len({one.url for one in got}) == len(got), "each page comes once"
    return {one.url.path: one for one in got}


@pytest.mark.parametrize("executor", ["thread", pytest.param("process", marks=pytest.mark.slow)])
async def test_links_of_functions_are_followed_with_label_and_data_and_no_others_where_they_say_so(
    executor: Literal["thread", "process"], tmp_path: Path
) -> None:
    sink = ListSink()
    async with open_web(Web([Site("shop.test", SHOP)])) as served:
        with anyio.fail_after(60):
            summary = await crawler.crawl(
                served.seeds, folder=tmp_path / "c", sinks=[sink], parse=PARSE, executor=executor, **QUICK
            )
    got = by_path(sink.got)
    assert set(got) == set(SHOP) - {"/ad"}
    assert summary.pages == len(got)
    assert got["/tea"].data == Item("Tea", 1, (2, len("/list?page=1")))
    assert got["/coffee"].data == Item("Coffee", 2, (3, len("/list?page=2")))
    tea = got["/tea"].request
    assert (tea.depth, tea.via, tea.label, tea.data) == (2, got["/list?page=1"].url, "item", {"shelf": 1})
    assert got["/about"].data is None
    assert got["/"].detail == "left out links that parse gave: 1 out of reach"
    lines = [json.loads(line) for line in (tmp_path / "c" / "pages.jsonl").read_text().splitlines()]
    data = {line["title"]: line.get("data") for line in lines}
    assert data["Tea"] == {"title": "Tea", "shelf": 1, "at": [2, 12]}


def search(content: Content) -> Parsed[str]:
    if content.request.label:
        return Parsed(f"{content.request.method} {content.text}", follow=False)
    link = Link("/", label="answer", method="POST", body=b"q=tea", headers={"X-Asks": "1"})
    return Parsed(links=[link, Link("/", label="answer", method="POST", body=b"q=coffee")])


async def test_forms_are_sent_from_a_parse_function_to_the_same_url(tmp_path: Path) -> None:
    got: list[str | None] = []
    async with open_web(Web([Site("shop.test", {"/": html("Form")})])) as served:
        with anyio.fail_after(60):
            async with crawler.stream(served.seeds, parse=search, executor="thread", **QUICK) as outcomes:
                got = [outcome.data and outcome.data[:5] async for outcome in outcomes if outcome.request.label]
    assert got == ["POST ", "POST "]


async def test_links_that_wider_settings_let_in_are_found_by_reading_their_page_again(tmp_path: Path) -> None:
    pages = {"/": html("Start"), "/later": html("Later")}
    async with open_web(Web([Site("shop.test", pages)])) as served:
        for exclude in (["*/later"], []):
            sink = ListSink()
            await crawler.crawl(
                served.seeds, folder=tmp_path / "c", sinks=[sink], parse=later, executor="thread", exclude=exclude,
                **QUICK,
            )  # fmt: skip
    assert list(by_path(sink.got)) == ["/later"]


def later(content: Content) -> Parsed[None]:
    return Parsed(links=["/later"])


def fail(content: Content) -> object:
    raise LookupError(f"no price at {content.url.path}")


@pytest.mark.parametrize("executor", ["thread", pytest.param("process", marks=pytest.mark.slow)])
async def test_a_function_that_fails_is_counted_and_warned_about_once_with_its_trace(
    executor: Literal["thread", "process"], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_web(Web([Site("shop.test", SHOP)])) as served:
        summary = await crawler.crawl(served.seeds, parse=fail, executor=executor, **QUICK)
    [failures] = summary.failures
    assert (failures.n, failures.reason, failures.parser) == (3, Reason.PARSE, "fail")
    assert failures.example.startswith(failures.site)
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "the parse function 'fail' failed at" in warning.getMessage()
    assert 'raise LookupError(f"no price at {content.url.path}")' in caplog.text


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        (7, "parse is 7: give a function, or a list of pairs"),
        ([fail], r"parse\[0\] is .*give a pattern or a Label, and a function"),
        ([("*", lambda content: 1)], "cannot be sent to worker processes"),
        ([("re:(", fail)], r"parse\[0\]: 're:\(' is not a regular expression"),
    ],
)
async def test_what_no_worker_could_call_is_refused_at_the_door(parse: Any, said: str) -> None:
    with pytest.raises(crawler.ConfigError, match=said):
        async with crawler.open_crawl(parse=parse):
            pass


async def waits(content: Content) -> object:
    return 1


def yields(content: Content) -> Any:
    yield 1


@pytest.mark.parametrize(("parse", "said"), [(waits, "'waits' is asynchronous"), (yields, "'yields' yields: return")])
async def test_functions_whose_result_is_no_data_are_refused_at_the_door(parse: Any, said: str) -> None:
    for several in (parse, [("*", parse)]):
        with pytest.raises(crawler.ConfigError, match=said):
            async with crawler.open_crawl(parse=several, executor="thread"):
                pass


async def test_a_stream_gives_what_the_function_returned() -> None:
    async with open_web(Web([Site("shop.test", SHOP)])) as served:
        with anyio.fail_after(60):
            async with crawler.stream(served.seeds, parse=number, executor="thread", **QUICK) as outcomes:
                got = {outcome.url.path: outcome.data async for outcome in outcomes}
    assert got == {"/": ("Shop", 0), "/about": ("About", 1), "/legal": ("Legal", 2)}


def number(content: Content) -> tuple[str, int]:
    return content.page.title, content.depth


def test_an_outcome_is_pickled_and_copied_with_its_data() -> None:
    assert Outcome[int] is not Outcome
    request = crawler.Request(crawler.Url("http://h/"))
    outcome: Outcome[int] = Outcome[int](crawler.Lease(request, 1), crawler.Disposition.FETCHED)
    assert pickle.loads(pickle.dumps(outcome)) == outcome
    assert outcome.data is None


def test_a_stream_takes_the_options_of_a_crawl() -> None:
    options = set(inspect.signature(crawler.open_crawl).parameters) - {"config", "settings", "parse"}
    assert set(StreamOptions.__annotations__) == options | set(crawler.Settings.__annotations__)
