"""The calls of scrapyd's API over the daemon's jobs: projects and spiders are templates."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from crawler.daemon import State, Template
from crawler.daemon.scrapyd.adapter import ROUTES
from crawler.testing import Site, Web, html, open_web

from .adapted import TOKEN, Adapted, adapted, hostile_answers, read
from .conftest import Open, until

WEB = Web([Site("a.test", {"/": html("Home", ["/a"]), "/a": html("A")})])


@asynccontextmanager
async def scrapyd(open_daemon: Open) -> AsyncIterator[Adapted]:
    """A daemon with two projects."""
    async with adapted(open_daemon, "scrapyd") as asked:
        await asked.jobs.put_template(Template("tea", {"scope": {"max_depth": 2}}, labels={"project": "shop"}))
        await asked.jobs.put_template(Template("coffee", {}, labels={"project": "shop"}))
        await asked.jobs.put_template(Template("lone", {}, labels={"start_urls": "http://10.0.0.9/"}))
        yield asked


async def test_projects_and_spiders_are_templates(open_daemon: Open) -> None:
    async with scrapyd(open_daemon) as asked:
        assert (await asked.get("/listprojects.json"))["projects"] == ["default", "shop"]
        assert (await asked.get("/listspiders.json?project=shop"))["spiders"] == ["coffee", "tea"]
        assert (await asked.get("/listversions.json?project=shop"))["versions"] == ["current"]
        said = await asked.get("/listspiders.json?project=shup")
        assert (asked.status, said["status"]) == (404, "error")
        assert said["message"].endswith("did you mean shop?")
        said = await asked.get("/listspiders.json")
        assert (asked.status, said["message"]) == (400, "'project' parameter is required")


async def test_a_spider_runs_with_settings_of_ours_and_of_scrapy(open_daemon: Open) -> None:
    async with open_web(WEB) as served, scrapyd(open_daemon) as asked:
        form: list[tuple[str, str]] = [
            ("project", "shop"), ("spider", "tea"), ("start_urls", served.seeds[0]), ("setting", "DEPTH_LIMIT=1"),
            ("setting", "scope.limit=5"), ("setting", "ROBOTSTXT_OBEY=True"), ("priority", "2"), ("jobid", "mine"),
        ]  # fmt: skip
        job = (await asked.post("/schedule.json", data=form))["jobid"]
        assert (await asked.post("/schedule.json", data=form))["jobid"] == job, "a name makes one job"
        await until(asked.jobs, job, State.COMPLETED)
        config, found = asked.jobs.settings(job), asked.jobs.find(job)
        assert (config.scope.max_depth, config.scope.limit, config.politeness.robots) == (1, 5, "obey")
        assert (found.template, found.priority, found.pages) == ("tea", 2, 2)
        listed = await asked.get("/listjobs.json?project=shop")
        [one] = listed["finished"]
        assert (one["id"], one["spider"], listed["pending"], listed["running"]) == (job, "tea", [], [])
        assert len(one["start_time"]) == len(one["end_time"]) == len("2026-11-30 21:00:00.000000")
        assert (await asked.get(f"/status.json?project=shop&job={job}"))["currstate"] == "finished"
        assert (await asked.get("/daemonstatus.json"))["finished"] == 1
        (asked.jobs.folder(job) / "crawl.log").write_text("2 pages\n")
        assert await asked.get(one["log_url"]) == "2 pages\n"
        assert (await asked.post("/cancel.json", data={"project": "shop", "job": job}))["prevstate"] is None


async def test_a_job_is_cancelled(open_daemon: Open) -> None:
    async with open_web(WEB) as served, scrapyd(open_daemon) as asked:
        form = {"project": "shop", "spider": "coffee", "url": served.seeds[0], "setting": "DOWNLOAD_DELAY=60"}
        job = (await asked.post("/schedule.json", data=form))["jobid"]
        await until(asked.jobs, job, State.RUNNING)
        assert [one["id"] for one in (await asked.get("/listjobs.json"))["running"]] == [job]
        page = await asked.get("/jobs")
        assert "<h1>Jobs</h1>" in page
        assert f"<tr><td>shop</td><td>coffee</td><td>{job}</td><td>{os.getpid()}</td><td>20" in page
        assert (await asked.post("/cancel.json", data={"project": "shop", "job": job}))["prevstate"] == "running"
        await asked.post("/cancel.json", data={"project": "default", "job": job})
        assert asked.status == 404


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"spider": "te"}, "did you mean tea?"),
    ({"spider": ""}, "'spider' parameter is required"),
    ({"spider": "tea"}, "needs URLs to begin with"),
    ({"spider": "tea", "url": "http://x/", "category": "green"}, "category: this argument is not taken"),
    ({"spider": "tea", "url": "http://x/", "setting": "JOBDIR=x"}, "no setting of ours means the same"),
    ({"spider": "tea", "url": "http://x/", "setting": "LOG"}, "should be NAME=VALUE"),
    ({"spider": "tea", "url": "http://x/", "setting": "fetch.proxy=http://p/"}, "fetch.proxy"),
    ({"spider": "tea", "url": "http://x/", "setting": "scope.max_dept=1"}, "scope.max_dept"),
    ({"spider": "tea", "url": "http://x/", "_version": "r12"}, "version 'r12' not found"),
    ({"spider": "tea", "url": "http://x/", "priority": "high"}, "priority"),
    ({"spider": "tea", "url": "http://10.0.0.9/"}, "10.0.0.9"),
    ({"project": "default", "spider": "lone"}, "10.0.0.9"),
]


async def test_what_cannot_be_done_is_told_in_its_shape(open_daemon: Open) -> None:
    async with scrapyd(open_daemon) as asked:
        for form, words in REFUSED:
            said = await asked.post("/schedule.json", data={"project": "shop", **form})
            assert asked.status in (400, 404), form
            assert (said["status"], bool(said["node_name"])) == ("error", True)
            assert words in said["message"], said
        assert "no eggs are taken" in (await asked.post("/addversion.json", data={"project": "shop"}))["message"]
        assert asked.jobs.list() == []


async def test_the_token_may_come_as_a_password_at_these_paths_alone(open_daemon: Open) -> None:
    async with scrapyd(open_daemon) as asked:
        for password, path, status in (
            (TOKEN, "/daemonstatus.json", 200), ("wrong", "/daemonstatus.json", 401), (TOKEN, "/v1/jobs", 401),
        ):  # fmt: skip
            shown = base64.b64encode(f"anybody:{password}".encode()).decode()
            async with asked.http.get(asked.url + path, headers={"Authorization": f"Basic {shown}"}) as answer:
                assert answer.status == status, path
        async with asked.http.get(f"{asked.url}/daemonstatus.json", headers={"Authorization": "Basic %%%"}) as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="crawld"')


@pytest.mark.slow
async def test_no_call_answers_a_hostile_value_with_a_fault_of_its_own(
    open_daemon: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with scrapyd(open_daemon) as asked:
        for method, path, _ in ROUTES:
            target = path.replace("{project}", "%ff").replace("{spider}", "..%2f..").replace("{job}", "%00")
            types = ["application/x-www-form-urlencoded", "application/json"] if method == "POST" else ["text/plain"]
            for status, body in await hostile_answers(asked, method, target, types):
                assert 200 <= status < 500, (path, body[:200])
                if path != "/jobs":
                    assert read(body)["status"] == ("ok" if status == 200 else "error"), (path, body[:200])
    assert [one for one in caplog.records if one.exc_info] == []
