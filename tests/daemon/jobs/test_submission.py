"""What is asked for, and what is kept of it before it is acknowledged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from crawler import CrawlError
from crawler.daemon import BadJob, BadSeeds, BadSettings, Full, Jobs, JobSpec, KeyReused, NoSuchJob, State, Template
from crawler.testing import Site, Web, html, open_web

from ..conftest import Open, lines, pages, submit, until

PAUSED = {"is_paused": True}
SEEDS = ["https://a.test/", "https://b.test/"]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"politeness": {"delay_s": -1}}, "politeness.delay_s"),
        ({"scope": {"depth": 3}}, "scope.depth"),
        ({"nonsense": 1}, "nonsense"),
        ({"scope": {"include": ["re:("]}}, "scope.include"),
        ({"fetch": {"proxy": "http://127.0.0.1:3128"}}, "fetch.proxy"),
        ({"fetch": {"ca_file": "/etc/passwd"}}, "fetch.ca_file"),
        ({"fetch": {"allow_networks": ["10.0.0.0/8"]}}, "fetch.allow_networks"),
        ({"fetch": {"sites": {"https://a.test": {"client_cert": "/etc/x"}}}}, "sites.https://a.test"),
        ({"fetch": {"max_body_bytes": 1 << 25}}, "fetch.max_body_bytes"),
        ({"frontier": {"kind": "memory"}}, "frontier.kind"),
        ({"offload": {"workers": 99}}, "offload.workers"),
        ({"sinks": [{"path": "/etc/passwd"}]}, "sinks.0.path"),
        ({"sinks": [{"path": "seeds"}]}, "sinks.0.path"),
    ],
)
async def test_settings_that_cannot_be_used_are_named(open_daemon: Open, settings: Any, field: str) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(BadSettings) as refused:
            await submit(jobs, SEEDS, settings=settings)
        assert [complaint.field for complaint in refused.value.complaints] == [field]
        assert_nothing_is_left(jobs)


async def test_all_that_is_wrong_is_said_at_once(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(BadSettings) as refused:
            await submit(jobs, SEEDS, settings={"delay_s": "soon", "scope": {"limit": 0}})
        assert {complaint.field for complaint in refused.value.complaints} == {"politeness.delay_s", "scope.limit"}


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "two\nlines"},
        {"name": "x" * 201},
        {"priority": 11},
        {"labels": {"": "x"}},
        {"labels": {"a": "\x1b[2J"}},
        {"labels": {f"{n}": "x" for n in range(65)}},
    ],
)
async def test_names_are_lines_of_decent_length(open_daemon: Open, spec: Any) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(BadJob):
            await submit(jobs, SEEDS, **spec)


@pytest.mark.parametrize("seed", ["file:///etc/passwd", "-", "/etc/passwd", "../data", "javascript:alert(1)", "x"])
async def test_nothing_but_urls_is_a_seed(open_daemon: Open, seed: str) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(BadSeeds):
            await submit(jobs, [seed])
        assert_nothing_is_left(jobs)


@pytest.mark.parametrize("seeds", [[], ["", "  ", "# only talk"]])
async def test_a_job_needs_seeds(open_daemon: Open, seeds: list[str]) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(BadSeeds, match="there are none"):
            await submit(jobs, seeds)


async def test_seeds_in_private_networks_are_refused_by_their_number(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        with pytest.raises(BadSeeds) as refused:
            await submit(
                jobs, ["https://a.test/", "http://10.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://127.1/"]
            )
        assert [complaint.field for complaint in refused.value.complaints] == ["seeds.1", "seeds.2"]
        assert "private" in str(refused.value)


async def test_more_seeds_and_jobs_than_allowed_are_refused(open_daemon: Open) -> None:
    async with open_daemon(max_seeds=2, max_jobs=1) as jobs:
        with pytest.raises(Full, match="max_seeds"):
            await submit(jobs, [*SEEDS, "https://c.test/"])
        job = await submit(jobs, SEEDS, **PAUSED)
        with pytest.raises(Full, match="max_jobs"):
            await submit(jobs, SEEDS)
        with pytest.raises(Full, match="max_seeds"):
            await jobs.plant(job.id, lines(["https://c.test/"]))


async def test_bad_seeds_are_counted_and_listed_once(open_daemon: Open) -> None:
    web = Web([Site("a.test", {"/": html("A")})])
    async with open_web(web) as served, open_daemon() as jobs:
        job = await submit(jobs, ["nonsense here", *served.seeds, "also: bad"])
        job = await until(jobs, job.id, State.COMPLETED)
        assert (job.seeds.given, job.seeds.bad) == (3, 2)
        listed = (jobs.folder(job.id) / "bad-seeds.txt").read_text()
        assert [line.split(": ")[0] for line in listed.splitlines()] == ["seeds/0001.txt:1", "seeds/0001.txt:3"]


async def test_the_same_key_is_the_same_job(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        spec = JobSpec(name="one", settings={"limit": 3}, is_paused=True)
        first, is_new = await jobs.submit(spec, lines(SEEDS), "key-1")
        again, is_new_again = await jobs.submit(spec, lines(SEEDS, batch=1), "key-1")
        assert (is_new, is_new_again) == (True, False)
        assert first.id == again.id
        for other, seeds in [(spec, SEEDS[:1]), (JobSpec(name="two", is_paused=True), SEEDS)]:
            with pytest.raises(KeyReused, match=first.id):
                await jobs.submit(other, lines(seeds), "key-1")
        assert len(jobs.list()) == 1
    async with open_daemon() as jobs:
        again, is_new = await jobs.submit(spec, lines(SEEDS), "key-1")
        assert (again.id, is_new) == (first.id, False)


async def test_two_requests_at_once_with_one_key_make_one_job(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        made: list[tuple[str, bool]] = []

        async def ask() -> None:
            job, is_new = await jobs.submit(JobSpec(is_paused=True), lines(SEEDS, batch=1), "key")
            made.append((job.id, is_new))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ask)
        assert len({job for job, _ in made}) == 1
        assert sum(is_new for _, is_new in made) == 1


async def test_an_upload_that_breaks_off_leaves_nothing(open_daemon: Open) -> None:
    async def broken() -> AsyncIterator[Sequence[str]]:
        yield SEEDS
        raise ConnectionResetError

    async with open_daemon() as jobs:
        with pytest.raises(ConnectionResetError):
            await jobs.submit(JobSpec(), broken(), "key")
        assert_nothing_is_left(jobs)
        _, is_new = await jobs.submit(JobSpec(is_paused=True), lines(SEEDS), "key")
        assert is_new


async def test_a_folder_that_cannot_be_written_refuses_jobs_and_changes_nothing(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        (jobs.data / "coming").rmdir()
        (jobs.data / "coming").write_text("in the way")
        with pytest.raises(CrawlError, match="coming"):
            await submit(jobs, SEEDS)
        assert jobs.list() == []
        (jobs.data / "coming").unlink()
        (jobs.data / "coming").mkdir()
        await submit(jobs, SEEDS, **PAUSED)


async def test_secrets_are_not_shown(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        sites = {"https://a.test": {"bearer": "token-4711"}}
        job = await submit(jobs, SEEDS, settings={"fetch": {"sites": sites}, "limit": 5}, **PAUSED)
        assert job.settings == {"sites": "***", "scope": {"limit": 5}}
        assert jobs.settings(job.id).sites["https://a.test"].bearer == "token-4711"
        await jobs.change(job.id, {"fetch": {"sites": {"https://a.test": {"bearer": "token-4712"}}}})
        history = await jobs.history(job.id)
        assert not [event for event in history if b"token-47" in event.json]


async def test_a_template_gives_what_the_job_does_not_say(open_daemon: Open) -> None:
    async with open_daemon() as jobs:
        await jobs.put_template(
            Template("gentle", {"delay_s": 9, "limit": 7}, priority=-4, labels={"a": "1", "b": "2"})
        )
    async with open_daemon() as jobs:
        job = await submit(jobs, SEEDS, template="gentle", settings={"limit": 5}, labels={"b": "3"}, **PAUSED)
        assert job.settings == {"politeness": {"delay_s": 9.0}, "scope": {"limit": 5}}
        assert (job.template, job.priority, job.labels) == ("gentle", -4, {"a": "1", "b": "3"})
        assert jobs.origins(job.id)["politeness.delay_s"] == "template"
        assert jobs.origins(job.id)["scope.limit"] == "job"
        await jobs.change(job.id, {"limit": 6})
        assert jobs.origins(job.id)["politeness.delay_s"] == "template"
        with pytest.raises(BadSettings):
            await jobs.put_template(Template("wrong", {"nonsense": 1}))
        await jobs.remove_template("gentle")
        for name in ("gentle", "never"):
            with pytest.raises(NoSuchJob, match=name):
                await submit(jobs, SEEDS, template=name)
        assert jobs.find(job.id).template == "gentle"


async def test_seeds_can_follow_later(open_daemon: Open) -> None:
    web = Web([Site(f"{name}.test", {"/": html(name)}) for name in "abc"])
    async with open_web(web) as served, open_daemon() as jobs:
        first, second, third = (served.url(f"{name}.test", "/") for name in "abc")
        job = await submit(jobs, [first])
        await until(jobs, job.id, State.COMPLETED)
        assert await jobs.plant(job.id, lines([second, "nonsense !"])) == 2
        assert jobs.find(job.id).seeds.is_reading
        await jobs.resume(job.id)
        shown = await until(jobs, job.id, State.COMPLETED)
        assert (shown.seeds.given, shown.seeds.bad, shown.seeds.is_reading) == (3, 1, False)
        await jobs.plant(job.id, lines([third]))
        await jobs.resume(job.id)
        await until(jobs, job.id, State.COMPLETED)
        assert pages(jobs, job.id) == [first, second, third]
        with pytest.raises(BadSeeds):
            await jobs.plant(job.id, lines(["nonsense !"]))
        with pytest.raises(NoSuchJob):
            await jobs.plant("j-nobody", lines([third]))


def assert_nothing_is_left(jobs: Jobs) -> None:
    assert jobs.list() == []
    data: Path = jobs.data
    assert [path for name in ("crawls", "coming", "going") for path in (data / name).iterdir()] == []
