"""What is a job's to choose, what is the owner's of the daemon, and the bounds he sets, by whichever way it comes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from crawler import ConfigError
from crawler.daemon import BadSettings, Jobs, State, Template
from crawler.daemon.owners import OWNERS, UNHEARD, check_bounds, clamp_to_bounds
from crawler.daemon.schedules.schedule import Schedule
from crawler.daemon.settings import load_daemon
from crawler.folder.folder import open_folder
from crawler.settings import Config, SinkConfig, SiteConfig, Table, mark_of
from crawler.settings.catalog import fields
from crawler.settings.loading import amend
from crawler.testing import Site, Web, html, open_web

from .conftest import BASE, Open, submit, until

SEEDS = ["http://127.0.0.1:9/"]
PAUSED: dict[str, Any] = {"is_paused": True}
NAME_SERVERS = {"fetch": {"name_servers": ["127.0.0.1:5353"]}}
REFUSED = "fetch.name_servers: is for the daemon's owner: leave it out, or set it in the file of `crawl serve -c FILE`"

OWNERS_ALONE = "is for the daemon's owner: leave it out, or set it in the file of `crawl serve -c FILE`"

EXACTLY = {
    "preset", "user_agent", "contact", "sinks",
    "scope.reach", "scope.follow_moved_seeds", "scope.include", "scope.exclude", "scope.traps", "scope.follow",
    "scope.nofollow", "scope.focus", "scope.sitemaps", "scope.requisites", "scope.data_follows",
    "urls.strip_params", "urls.strip_session_ids", "urls.sort_params",
    "politeness.robots", "politeness.adapt",
    "fetch.oversized", "fetch.allow_networks", "fetch.cookies", "fetch.verify_tls", "fetch.accept_language",
    "fetch.headers", "sites",
    "frontier.durability",
    "extract.part", "extract.fields", "extract.quality", "extract.pdf", "dedupe.near_duplicates",
    "dedupe.near_similarity", "search.index", "warc.prefix", "warc.max_file_bytes", "warc.digest", "warc.zstd",
    "usage.purpose", "usage.respect", "render.scroll", "render.load_more", "render.reject_consent",
    "render.state_links", "render.most_steps",
}  # fmt: skip
MOST = {
    "scope.max_depth", "scope.limit", "scope.limit_per_site", "scope.limit_per_domain", "scope.time_limit_s",
    "scope.size_limit_bytes", "scope.max_repeats", "scope.max_links", "scope.max_requisites", "scope.extra_hops",
    "politeness.per_site", "politeness.per_ip", "politeness.max_attempts",
    "fetch.concurrency", "fetch.timeout_s", "fetch.connect_timeout_s", "fetch.slow_after_s", "fetch.max_body_bytes",
    "fetch.max_redirects", "fetch.bytes_per_s",
}  # fmt: skip
LEAST = {
    "politeness.delay_s", "politeness.max_delay_s", "politeness.max_retry_after_s", "politeness.retry_delay_s",
    "politeness.adapt_factor", "politeness.adapt_max_s", "politeness.robots_ttl_s", "politeness.revisit_after_s",
    "politeness.revisit_at_most_s",
    "fetch.min_bytes_per_s",
}  # fmt: skip
"""All that a job may choose. Whoever adds to these has asked: what could a stranger who may ask for jobs do with it?"""


def test_the_settings_that_are_a_jobs_are_these() -> None:
    marks = {key: mark.bound for key, field in fields().items() if (mark := mark_of(field))}
    assert marks == {
        **dict.fromkeys(EXACTLY, "exactly"), **dict.fromkeys(MOST, "most"), **dict.fromkeys(LEAST, "least")
    }  # fmt: skip
    assert {name for name, field in SiteConfig.model_fields.items() if mark_of(field)} == {
        "delay_s", "per_site", "limit", "bytes_per_s", "headers", "basic_auth", "bearer"
    }  # fmt: skip
    assert {name for name, field in SinkConfig.model_fields.items() if mark_of(field)} == {
        "kind", "path", "fields", "links", "text", "markdown", "metadata", "structured", "headers", "simhash", "audit",
        "types"
    }  # fmt: skip
    assert set(OWNERS) == set(fields()) - set(marks)


def test_a_setting_that_nobody_decided_on_is_the_owners() -> None:
    class Later(Table):
        new: str = ""

    assert mark_of(Later.model_fields["new"]) is None


def test_the_documents_name_every_setting_of_the_owner() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "daemon.md").read_text()
    told = text.partition("<!-- the owner's -->")[2].partition("<!-- end -->")[0]
    assert {*re.findall(r"^\| `([a-z_.]+)`", told, re.MULTILINE)} == {
        *OWNERS, "sites.client_cert", "sites.client_key", "sites.proxy"
    }  # fmt: skip


# -- the ways a job's settings come ------------------------------------------------------------------------------------


async def test_no_job_chooses_what_is_the_owners(open_daemon: Open) -> None:
    by_type = {
        "tuple": ("9.9.9.9",),
        "str": "thread",
        "int": 7,
        "bool": True,
        "float": 7.0,
        "NoneType": "http://p:1",
        "dict": {"a": 1},
    }
    others = {
        "fetch.proxies": ["http://p:1"],
        "frontier.kind": "memory",
        "fetch.budget_bytes": 1 << 30,
        "offload.page_memory_bytes": 1 << 30,
        "telemetry.otel_endpoint": "http://collector:4318",
        "telemetry.trace_ratio": 0.5,
        "copies.to": "s3://bucket/folder",
        "proof.audit_requests": False,
        "identity.signature_agent": "https://bot.example",
        "frontier.shards": 64,
        "render.mode": "always",
        "render.tab_memory_bytes": 1 << 30,
        "render.browser_memory_bytes": 1 << 31,
    }
    async with open_daemon() as jobs:
        for key in OWNERS:
            default = fields()[key].get_default(call_default_factory=True)
            value = others[key] if key in others else by_type[type(default).__name__]
            with pytest.raises(BadSettings) as refused:
                await submit(jobs, SEEDS, settings={key: value})
            assert [complaint.field for complaint in refused.value.complaints] == [key]
            assert "`crawl serve -c FILE`" in str(refused.value)
        assert jobs.list() == []


async def test_neither_a_submission_nor_a_template_nor_a_schedule_nor_a_change_brings_it_in(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, SEEDS, **PAUSED)
        for chosen in (NAME_SERVERS, {"name_servers": "9.9.9.9"}, {"fetch.name_servers": ["9.9.9.9"]}):
            for way in (
                submit(jobs, SEEDS, settings=chosen),
                jobs.put_template(Template("t", chosen)),
                jobs.schedules.add(Schedule("", "0 * * * *", tuple(SEEDS), settings=chosen)),
                jobs.change(job.id, chosen),
            ):
                with pytest.raises(BadSettings) as refused:
                    await way
                assert str(refused.value) == REFUSED
        assert jobs.find(job.id).settings == {}


async def test_what_an_older_daemon_let_in_is_refused_when_its_job_begins(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, SEEDS, **PAUSED)
        await jobs.put_template(Template("old"))
        made = await jobs.schedules.add(Schedule("", "0 * * * *", tuple(SEEDS)))
        await jobs._registry.amend(job.id, settings=NAME_SERVERS)
        jobs._registry._templates["old"] = Template("old", NAME_SERVERS)
        jobs.schedules._all[made.id] = Schedule(made.id, made.cron, made.seeds, settings=NAME_SERVERS, next_at=0.0)
        with pytest.raises(BadSettings) as refused:
            await submit(jobs, SEEDS, template="old")
        assert str(refused.value) == REFUSED
        await jobs.schedules.look()
        assert jobs.schedules.find(made.id).said == f"not started: {REFUSED}"
    async with open_daemon() as jobs:
        await jobs.resume(job.id)
        assert (await until(jobs, job.id, State.FAILED)).error == f"{REFUSED}: change it, and resume the job"
        await jobs.change(job.id, {"fetch.name_servers": []})
        await jobs.resume(job.id)
        assert (await until(jobs, job.id, State.COMPLETED)).error == ""


async def test_a_job_that_an_older_daemon_let_write_the_crawls_own_files_fails_alone(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, SEEDS, **PAUSED)
        await jobs._registry.amend(job.id, settings={"sinks": [{"path": "frontier.sqlite-wal"}]})
    async with open_daemon() as jobs:
        other = await submit(jobs, SEEDS)
        await jobs.resume(job.id)
        assert "frontier.sqlite" in (await until(jobs, job.id, State.FAILED)).error
        await until(jobs, other.id, State.COMPLETED)
        for look in (lambda: jobs.settings(job.id), lambda: jobs.origins(job.id)):
            with pytest.raises(ConfigError, match=r"frontier\.sqlite"):
                look()


async def test_a_folder_made_elsewhere_goes_by_the_daemons_workers_and_not_by_its_name_servers(
    open_daemon: Open,
) -> None:
    async with open_web(Web([Site("a.test", {"/": html("A")})])) as served:
        async with open_daemon() as jobs:
            crawls = jobs.data / "crawls"
        harmless = {"executor": "thread", "workers": 3, "page_memory_bytes": 1 << 30, "blocked_after_s": 9.0}
        for name, chosen in (("plain", harmless), ("asking", {"name_servers": ["9.9.9.9"]})):
            with open_folder(crawls / name, amend(Config(), chosen)):
                pass
        async with open_daemon() as jobs:
            found = {job.name: job for job in jobs.list()}
            assert jobs.settings(found["plain"].id).offload == BASE.offload
            for name, state in (("plain", State.COMPLETED), ("asking", State.FAILED)):
                job = found[name].id
                await jobs.plant(job, _lines(served.seeds))
                await jobs.resume(job)
                ended = await until(jobs, job, State.COMPLETED, State.FAILED)
                assert (ended.state, ended.pages) == (state, int(name == "plain"))


async def _lines(seeds: list[str]) -> Any:
    yield seeds


def test_what_is_not_heard_of_a_folder_is_the_owners() -> None:
    assert set(OWNERS) > UNHEARD


# -- bounds ------------------------------------------------------------------------------------------------------------

BOUNDS = {"delay_s": 0.5, "limit": 10, "robots": "obey", "fetch": {"timeout_s": 60}, "scope.time_limit_s": 3600}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("politeness.delay_s", 0.4, "should be 0.5 at least"),
        ("scope.limit", 11, "should be 10 at most"),
        ("scope.limit", None, "should be 10 at most"),
        ("politeness.robots", "ignore", "should be obey"),
        ("fetch.timeout_s", 61, "should be 60.0 at most"),
        ("scope.time_limit_s", None, "should be 3600.0 at most"),
        ("fetch.max_body_bytes", 1 << 25, "should be 16777216 at most"),
    ],
)
async def test_no_job_goes_beyond_the_bounds_of_the_owner(open_daemon: Open, key: str, value: Any, told: str) -> None:
    async with open_daemon(bounds=BOUNDS) as jobs:
        job = await submit(jobs, SEEDS, **PAUSED)
        for way in (submit(jobs, SEEDS, settings={key: value}), jobs.change(job.id, {key: value})):
            with pytest.raises(BadSettings) as refused:
                await way
            assert str(refused.value) == f"{key}: {told}, as the daemon's own settings have it"


async def test_up_to_the_bounds_it_may_go_and_begins_within_them(open_daemon: Open) -> None:
    async with open_daemon(bounds=BOUNDS) as jobs:
        chosen = {"delay_s": 0.5, "limit": 10, "robots": "obey", "timeout_s": 60.0, "time_limit_s": 3600.0}
        job = await submit(jobs, SEEDS, settings=chosen, **PAUSED)
        assert jobs.settings(job.id).politeness.delay_s == 0.5
        plain = jobs.settings((await submit(jobs, SEEDS, **PAUSED)).id)
        assert (plain.politeness.delay_s, plain.scope.limit, plain.scope.time_limit_s) == (0.5, 10, 3600)
        assert plain.fetch.timeout_s == BASE.fetch.timeout_s


@pytest.mark.slow
async def test_bounds_that_are_read_anew_hold_from_a_jobs_next_run_on(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        job = await submit(jobs, SEEDS, settings={"limit": 11}, **PAUSED)
        told = jobs.adopt(jobs.config.model_copy(update={"bounds": check_bounds(BOUNDS)}), jobs.base)
        assert told.applied == ("daemon.bounds", "scope.limit", "scope.time_limit_s", "politeness.delay_s")
        assert jobs.base.politeness.delay_s == 0.5
        await jobs.resume(job.id)
        error = (await until(jobs, job.id, State.FAILED)).error
        beyond = "scope.limit: should be 10 at most, as the daemon's own settings have it"
        assert error == f"{beyond}: change it, and resume the job"
        await _resumed_with(jobs, job.id, {"limit": 10})


async def _resumed_with(jobs: Jobs, job: str, settings: dict[str, object]) -> None:
    await jobs.change(job, settings)
    await jobs.resume(job)
    await until(jobs, job, State.COMPLETED)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"delay_s": 0.4}, "delay_s should be 0.5 at least, as the daemon's own settings have politeness.delay_s"),
        ({"per_site": 9}, "per_site should be 2 at most, as the daemon's own settings have politeness.per_site"),
        ({"limit": 11}, "limit should be 10 at most, as the daemon's own settings have scope.limit_per_site"),
        ({"proxy": "http://p:1"}, f"proxy {OWNERS_ALONE}"),
    ],
)
async def test_bounds_hold_for_single_sites_too(open_daemon: Open, table: dict[str, Any], told: str) -> None:
    async with open_daemon(bounds={"delay_s": 0.5, "per_site": 2, "limit_per_site": 10}) as jobs:
        job = await submit(jobs, SEEDS, settings={"sites": {"*": {"delay_s": 1, "per_site": 2, "limit": 10}}}, **PAUSED)
        for way in (
            submit(jobs, SEEDS, settings={"sites": {"*": table}}),
            jobs.change(job.id, {"sites": {"*": table}}),
        ):
            with pytest.raises(BadSettings) as refused:
                await way
            assert str(refused.value) == f"sites.*: {told}"


async def test_what_the_owner_says_of_a_site_stays_beside_what_a_job_says(open_daemon: Open) -> None:
    owners = {"https://a.test": {"delay_s": 9, "proxy": "http://p:1", "bearer": "t"}, "b.test": {"per_site": 3}}
    async with open_daemon(base=amend(BASE, {"sites": owners})) as jobs:
        chosen = {"https://a.test": {"delay_s": 4, "basic_auth": "me:pw"}, "c.test": {"limit": 5}}
        job = await submit(jobs, SEEDS, settings={"sites": chosen}, **PAUSED)
        sites = jobs.settings(job.id).sites
    assert list(sites) == ["https://a.test", "b.test", "c.test"]
    said = sites["https://a.test"]
    assert (said.delay_s, said.proxy, said.bearer, said.basic_auth) == (4, "http://p:1", "", "me:pw")
    assert (sites["b.test"].per_site, sites["c.test"].limit) == (3, 5)


def test_bounds_stand_in_the_daemons_file(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text("[daemon.bounds]\ndelay_s = 2\n'scope.limit' = 5\nfetch = { timeout_s = 9 }\n")
    config, base = load_daemon(file)
    assert config.bounds == {"politeness.delay_s": 2.0, "scope.limit": 5, "fetch.timeout_s": 9.0}
    assert clamp_to_bounds(base, config.bounds).scope.limit == 5
    for wrong, told in (("name_servers = ['9.9.9.9']", "no job may choose it anyway"), ("dealy_s = 3", "did you mean")):
        file.write_text(f"[daemon.bounds]\n{wrong}\n")
        with pytest.raises(ConfigError, match=told):
            load_daemon(file)


async def test_larger_bodies_need_no_word_about_the_memory_that_all_share(open_daemon: Open) -> None:
    largest = 100 << 20
    async with open_daemon(base=amend(BASE, {"max_body_bytes": largest})) as jobs:
        job = await submit(jobs, SEEDS, settings={"max_body_bytes": largest}, **PAUSED)
        assert jobs.settings(job.id).fetch.max_body_bytes == largest
