"""Settings of single sites, from where they are given to what the sites see of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import Config, ConfigError
from crawler.fetch.throttle import Readable
from crawler.settings.loading import changes, has_secrets, load, mask_value
from crawler.settings.toml import to_toml
from crawler.testing import Served, Site, Web, html, open_web, slow

QUICK: dict[str, Any] = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0, "robots": "ignore"}


def two_hosts(pages: int = 6, slow_s: float = 0.0) -> Web:
    def site(host: str) -> Site:
        leaves = {f"/{n}": slow(html(f"{host} {n}"), slow_s) for n in range(pages)}
        return Site(host, {"/": html(host, list(leaves)), **leaves})

    return Web([site("alpha.test"), site("beta.test")])


def seeds_of(served: Served) -> list[str]:
    return [served.url("alpha.test"), served.url("beta.test")]


def site_of(served: Served, host: str) -> str:
    return served.url(host).rstrip("/")


async def test_a_site_has_a_delay_and_a_header_of_its_own() -> None:
    async with open_web(two_hosts()) as served:
        sites: Any = {site_of(served, "alpha.test"): {"delay_s": 0.05, "headers": {"X-Team": "red"}}}
        await crawler.crawl(seeds_of(served), sites=sites, **QUICK)
    assert min(served.pauses("alpha.test")) >= 0.045
    assert min(served.pauses("beta.test")) < 0.045
    assert {hit.headers.get("x-team") for hit in served.of("alpha.test")} == {"red"}
    assert {hit.headers.get("x-team") for hit in served.of("beta.test")} == {None}


async def test_a_site_is_asked_by_as_many_at_a_time_as_it_may_be() -> None:
    async with open_web(two_hosts(pages=20, slow_s=0.02)) as served:
        await crawler.crawl(seeds_of(served), sites={site_of(served, "alpha.test"): {"per_site": 5}}, **QUICK)
    assert (served.worst_concurrency("alpha.test"), served.worst_concurrency("beta.test")) == (5, 1)


async def test_one_at_a_time_for_a_site_where_others_have_many() -> None:
    async with open_web(two_hosts(pages=20, slow_s=0.02)) as served:
        sites: Any = {site_of(served, "alpha.test"): {"per_site": 1}}
        await crawler.crawl(seeds_of(served), sites=sites, per_site=4, **QUICK)
    assert (served.worst_concurrency("alpha.test"), served.worst_concurrency("beta.test")) == (1, 4)


async def test_a_site_gives_as_many_pages_as_it_may_exactly_over_restarts(tmp_path: Path) -> None:
    async with open_web(two_hosts(pages=8)) as served:
        sites: Any = {site_of(served, "alpha.test"): {"limit": 3}}
        await crawler.crawl(seeds_of(served), folder=tmp_path, sites=sites, limit=4, **QUICK)
        await crawler.crawl(seeds_of(served), folder=tmp_path, limit=None, **QUICK)
    assert len(served.of("alpha.test")) == 3
    assert len(served.of("beta.test")) == 9


async def test_what_differs_for_a_site_changes_while_a_crawl_runs() -> None:
    async with open_web(two_hosts(pages=30, slow_s=0.002)) as served, crawler.open_crawl(**QUICK) as crawl:
        alpha = site_of(served, "alpha.test")

        async def run() -> None:
            await crawl.run(seeds_of(served))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            while len(served.of("alpha.test")) < 5:
                await anyio.sleep(0.001)
            told = await crawl.change(sites={alpha: {"per_site": 3, "headers": {"X-Team": "red"}}})
    assert [change.key for change in told.applied] == ["sites"]
    assert told.needs_restart == ()
    assert crawl.config.sites[alpha].per_site == 3
    teams = [hit.headers.get("x-team") for hit in served.of("alpha.test")]
    assert teams[:5] == [None] * 5
    assert teams[-5:] == ["red"] * 5
    assert (served.worst_concurrency("alpha.test"), served.worst_concurrency("beta.test")) == (3, 1)


async def test_a_change_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    async with crawler.open_crawl(folder=tmp_path, **QUICK) as crawl:
        wrong: Any
        for wrong, told in (
            ({"a.test": {"dealy_s": 1}}, "did you mean delay_s"),
            ({"https://a.test": {"client_cert": "gone.pem"}}, "gone.pem"),
            ({"a.test": {"headers": {"Host": "b.test"}}}, "Host is set by the crawler"),
        ):
            with pytest.raises(ConfigError, match=told):
                await crawl.change(sites=wrong)
        assert crawl.config.sites == {}
        assert load(tmp_path / "crawl.toml").sites == {}


def test_a_limit_of_pages_waits_for_the_next_opening() -> None:
    told = changes(Config(), Config.model_validate({"sites": {"a.test": {"limit": 3, "delay_s": 2}}}))
    assert [change.key for change in told.applied] == ["sites"]
    assert [(change.key, change.old, change.new) for change in told.needs_restart] == [
        ("sites.limit", {}, {"a.test": 3})
    ]


async def test_the_cap_on_bandwidth_changes_while_a_crawl_runs() -> None:
    """At the first cap the crawl would take hours."""
    async with open_web(two_hosts(pages=30)) as served, crawler.open_crawl(bytes_per_s=10, **QUICK) as crawl:
        summaries = []

        async def run() -> None:
            summaries.append(await crawl.run(seeds_of(served)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            while crawl.snapshot().bound_by != "bandwidth":
                await anyio.sleep(0.001)
            told = await crawl.change(bytes_per_s=None)
            assert [change.key for change in told.applied] == ["fetch.bytes_per_s"]
    assert summaries[0].pages == 62


async def test_crawls_that_share_parts_share_a_cap_on_bandwidth(tmp_path: Path) -> None:
    async with open_web(two_hosts()) as served, crawler.open_shared(bytes_per_s=10_000_000) as shared:
        received, summaries = [], []
        throttle = shared.network.throttle
        receive = throttle.receive

        def note(one: Readable, size: int) -> None:
            received.append(size)
            receive(one, size)

        throttle.receive = note  # type: ignore[method-assign]

        async def run(host: str) -> None:
            async with crawler.open_crawl(shared=shared, **QUICK) as crawl:
                summaries.append(await crawl.run([served.url(host)]))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, "alpha.test")
            tasks.start_soon(run, "beta.test")
        assert sum(received) > sum(summary.bytes for summary in summaries) > 0


# -- where they come from ----------------------------------------------------------------------------------------------

TABLES = """
[sites."https://www.example.org"]
delay_s = 5

[sites."*.example.org"]
per_site = 2
bytes_per_s = "2M"
"""


def test_tables_come_from_files_the_environment_and_callers(tmp_path: Path) -> None:
    (tmp_path / "crawl.toml").write_text(TABLES)
    config = load(tmp_path / "crawl.toml")
    assert config.sites["https://www.example.org"].delay_s == 5
    assert config.sites["*.example.org"].bytes_per_s == 2 << 20
    environ = {"CRAWL_SITES": '{ "a.test" = { delay_s = 7 } }'}
    assert load(environ=environ).sites["a.test"].delay_s == 7
    assert load(settings={"sites": environ["CRAWL_SITES"]}).sites == load(environ=environ).sites
    (tmp_path / "again.toml").write_text(to_toml(config))
    assert load(tmp_path / "again.toml") == config


def test_tables_of_the_older_name_are_read(tmp_path: Path) -> None:
    """Crawl folders and files of settings have them."""
    (tmp_path / "old.toml").write_text('[fetch]\nsites = { "https://a.test" = { bearer = "s3cret" } }\n')
    for config in (
        load(tmp_path / "old.toml"),
        load(environ={"CRAWL_FETCH__SITES": '{ "https://a.test" = { bearer = "s3cret" } }'}),
        load(settings={"fetch.sites": {"https://a.test": {"bearer": "s3cret"}}}),
        load(settings={"fetch": {"sites": {"https://a.test": {"bearer": "s3cret"}}}}),
    ):
        assert config.sites["https://a.test"].bearer == "s3cret"
    with pytest.raises(ConfigError, match=r"fetch\.sites: is now called sites, and both are given"):
        load(settings={"sites": {}, "fetch": {"sites": {}}})


def test_tables_are_shown_unless_one_holds_a_secret() -> None:
    plain = load(settings={"sites": {"a.test": {"delay_s": 2, "proxy": "http://proxy.test:3128"}}})
    assert mask_value("sites", plain.sites) == plain.sites
    assert not has_secrets(plain)
    for said in ({"bearer": "x"}, {"headers": {"X-Key": "x"}}, {"proxy": "http://me:pw@proxy.test:3128"}):
        secret = load(settings={"sites": {"https://a.test": {"delay_s": 2, **said}}})
        assert mask_value("sites", secret.sites) == "(not shown)"
        assert has_secrets(secret)


# -- where they are shown ----------------------------------------------------------------------------------------------


async def test_what_holds_for_a_site_and_why_is_shown_by_the_table_of_sites_and_by_explain(tmp_path: Path) -> None:
    async with open_web(two_hosts(slow_s=0.01)) as served:
        alpha, beta = site_of(served, "alpha.test"), site_of(served, "beta.test")
        host = alpha.removeprefix("http://").partition(":")[0]
        sites: Any = {
            alpha: {"delay_s": 0.5},
            f"{host}": {"per_site": 3},
            beta: {"proxy": "http://me:s3cret@proxy.test:3128"},
        }
        async with crawler.open_crawl(folder=tmp_path, sites=sites, **QUICK) as crawl:
            await crawl.add([served.url("alpha.test", f"/{n}") for n in range(9)] + [served.url("beta.test")])
            (first, second) = sorted(crawl.sites(2), key=lambda view: view.site != alpha)
            assert (first.rules, first.delay_s, first.per_site, first.proxy) == ((alpha, host), 0.5, 3, "")
            assert second.proxy == "http://proxy.test:3128"
            told = await crawl.explain(f"{alpha}/1")
            assert (told.rules, told.rest_s, told.per_site, told.proxy) == ((alpha, host), 0.5, 3, "")
            hidden = await crawl.explain(f"{beta}/1")
            assert hidden.proxy == "http://proxy.test:3128"
            assert "s3cret" not in f"{hidden} {hidden.record()} {second}"
        assert (await crawler.explain(f"{alpha}/1", crawl.config, is_offline=True)).rules == (alpha, host)
        told_first = (await crawler.rehearse([crawler.Url(f"{alpha}/1")], crawl.config)).first
        assert [turn.rules for turn in told_first] == [(alpha, host)]
