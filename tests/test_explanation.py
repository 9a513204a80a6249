"""Why (not): the answer about one URL agrees with what a crawl does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crawler import crawl
from crawler.errors import UrlError
from crawler.explanation import explain
from crawler.model import Reason
from crawler.settings import Config
from crawler.settings.loading import load
from crawler.testing import Served, Site, Web, disallowing, html, open_web, robots

LOCAL: dict[str, object] = {"allow_networks": ["127.0.0.0/8"], "delay_s": 0, "retry_delay_s": 0}


def settings(**chosen: object) -> Config:
    return load(settings=LOCAL | chosen)


@pytest.fixture
async def web() -> AsyncIterator[Served]:
    pages = {"/": html("A", ["/deep/", "/private/x"]), "/deep/": html("Deep", ["/deep/er"]), "/deep/er": html("Deeper")}
    sites = [
        Site("a.test", pages, disallowing("/private/", crawl_delay_s=2)),
        Site("b.test", {"/": html("B")}, robots.broken()),
    ]
    async with open_web(Web(sites)) as served:
        yield served


async def test_what_the_policy_changed_is_told_and_the_site_is_asked_for_robots_txt_alone(web: Served) -> None:
    answer = await explain(web.url("a.test", "/private/../deep/?utm_source=x&b=1#top"), settings())
    assert answer.url.text == web.url("a.test", "/deep/?b=1")
    assert answer.changes == ("fragment #top", "parameter utm_source=x")
    assert (answer.reason, answer.scope.rule, answer.robots.verdict) == (None, "root", "allowed")
    assert (answer.robots.crawl_delay_s, answer.rest_s, answer.per_site) == (2.0, 2.0, 1)
    assert [hit.url for hit in web.hits] == [web.url("a.test", "/robots.txt")]


async def test_the_line_of_robots_txt_that_forbids_it_is_named(web: Served) -> None:
    robots = (await explain(web.url("a.test", "/private/x"), settings())).robots
    assert (robots.verdict, robots.line, robots.rule) == ("disallowed", 2, "Disallow: /private/")
    assert robots.reason is Reason.ROBOTS
    broken = await explain(web.url("b.test"), settings())
    assert (broken.robots.verdict, broken.reason) == ("unreachable", Reason.ROBOTS_UNREACHABLE)
    assert "HTTP 503" in broken.robots.detail


async def test_nothing_is_sent_offline_nor_to_an_address_that_is_refused(web: Served) -> None:
    answer = await explain(web.url("a.test", "/private/x"), settings(), is_offline=True)
    assert (answer.robots.verdict, answer.reason) == ("not-asked", None)
    ignored = await explain(web.url("a.test", "/private/x"), settings(robots="ignore"))
    assert ignored.robots.verdict == "ignored"
    refused = await explain(web.url("a.test"), settings(allow_networks=[]))
    assert (refused.robots.verdict, refused.reason) == ("unreachable", Reason.BLOCKED_ADDRESS)
    assert not web.hits


async def test_a_url_is_judged_as_a_link_below_the_seed_that_is_named() -> None:
    answer = await explain("https://b.test/x", settings(), seed="a.test", is_offline=True)
    assert (answer.reason, answer.scope.rule) == (Reason.OUT_OF_SCOPE, "reach")
    assert answer.request.anchor.text == "https://a.test/"
    near = await explain("a.test/x", settings(exclude=["*/x"]), seed="a.test", is_offline=True)
    assert (near.scope.rule, near.scope.pattern) == ("exclude", "*/x")


async def test_a_crawl_folder_tells_how_a_url_was_found_and_what_became_of_it(web: Served, tmp_path: Path) -> None:
    config = settings(max_depth=1, max_delay_s=0)
    await crawl([web.url("a.test")], config, folder=tmp_path / "a")
    frontier = tmp_path / "a" / "frontier.sqlite"
    deep = await explain(web.url("a.test", "/deep/"), config, frontier=frontier)
    assert deep.known
    assert (deep.known.standing, deep.known.disposition, deep.known.depth, deep.known.attempts) == (
        "done", "fetched", 1, 1,
    )  # fmt: skip
    assert [via.text for via in deep.known.via] == [web.url("a.test")]
    assert deep.known.seed
    assert deep.known.seed.text == web.url("a.test")
    assert deep.turn
    assert deep.turn.queued == 0
    private = await explain(web.url("a.test", "/private/x"), config, frontier=frontier)
    assert private.known
    assert private.known.reason is private.reason is Reason.ROBOTS


async def test_a_url_the_folder_does_not_know_is_judged_as_a_link_below_its_seeds(web: Served, tmp_path: Path) -> None:
    config = settings(max_delay_s=0)
    await crawl([web.url("a.test")], config, folder=tmp_path / "a")
    frontier = tmp_path / "a" / "frontier.sqlite"
    for text, reason in [(web.url("a.test", "/new"), None), (web.url("b.test", "/x"), Reason.OUT_OF_SCOPE)]:
        answer = await explain(text, config, frontier=frontier, is_offline=True)
        assert answer.known is None
        assert answer.request.anchor.text == web.url("a.test")
        assert answer.reason is reason


@pytest.mark.parametrize("text", ["", "what is this", "mailto:a@b.test", "http://[", "ftp://a.test/"])
async def test_what_is_no_url_is_told_as_such(text: str) -> None:
    with pytest.raises(UrlError):
        await explain(text, settings(), is_offline=True)
