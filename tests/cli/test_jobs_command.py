"""`crawl jobs`: a daemon spoken to from a terminal."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import anyio
import pytest

from crawler.testing import Page, Site, Web, failing, html, open_web, slow

from .conftest import CRAWL, Crawl
from .serving import Serving, serving

pytestmark = pytest.mark.slow

WEB = Web([
    Site("a.test", {
        "/": html("Home", ["/one", "/two", "/gone"]), "/one": html("<b>\x1b[31mred</b>"), "/two": html("2"),
    }),
    Site("b.test", {"/": html("B", [f"/{n}" for n in range(3000)])}
         | {f"/{n}": slow(html(f"B{n}"), 0.1) for n in range(3000)}),
])  # fmt: skip


async def until(daemon: Serving, job: str, state: str) -> None:
    with anyio.fail_after(60):
        while (await daemon.ask("GET", f"/v1/jobs/{job}"))[1]["state"] != state:
            await anyio.sleep(0.05)


@pytest.mark.long
async def test_a_job_from_its_beginning_to_its_end(crawl: Crawl, tmp_path: Path) -> None:
    async with open_web(WEB) as served, serving(tmp_path) as daemon:
        added = await crawl(
            "jobs", "add", served.url("a.test", "/"), "--name", "mine", "--label", "a=b", "--data", "data"
        )
        assert (added.code, added.err) == (0, "")
        job = added.out.strip()
        await until(daemon, job, "completed")
        listed = await crawl("jobs", "list", "--data", "data")
        assert re.search(rf"^{job} completed +3 +0 +1 +- mine$", listed.out, re.MULTILINE)
        assert max(map(len, listed.out.splitlines())) <= 80
        shown = await crawl("jobs", "show", job, "--data", "data")
        assert "state      completed (exhausted)\n" in shown.out
        assert "labels     a=b\n" in shown.out
        told = await crawl("jobs", "tail", job, "--data", "data")
        assert told.code == 0
        assert re.search(r"^200  http\S+/one  .*\\x1b\[31mred</b>$", told.out, re.MULTILINE), "made harmless"
        assert len(told.out.splitlines()) == 4
        last = await crawl("jobs", "tail", job, "-n", "1", "--json", "--data", "data")
        assert [json.loads(line)["v"] for line in last.out.splitlines()] == [1]
        report = await crawl("jobs", "report", job, "--data", "data")
        assert (report.code, report.err) == (0, "")
        assert re.search(r"^4 records, .*\nanswers   200 3 · 404 1$", report.out, re.MULTILINE)
        assert re.search(r"^ +4 +3 +1 .* http://\S+$", report.out, re.MULTILINE), "its site"
        whole = json.loads((await crawl("jobs", "report", job, "--json", "--data", "data")).out)
        assert (whole["v"], whole["records"], whole["sites"][0]["delay_s"] >= 0) == (1, 4, True)
        assert (await crawl("jobs", "remove", job, "--data", "data")).code == 0
        assert (await crawl("jobs", "list", "--data", "data")).out == "no jobs\n"


@pytest.mark.long
async def test_steering_uses_the_words_of_the_api(crawl: Crawl, tmp_path: Path) -> None:
    async with open_web(WEB) as served, serving(tmp_path) as daemon:
        env = {"CRAWL_DAEMON__DATA": str(daemon.data)}
        seed = served.url("b.test", "/")
        job = (await crawl("jobs", "add", seed, "--paused", "--depth", "7", env=env)).out.strip()
        assert (await crawl("jobs", "change", job, "--set", "delay_s=0.2", env=env)).out == (
            "politeness.delay_s: in effect\n"
        )
        assert (await crawl("jobs", "seeds", job, f"{seed}5", f"{seed}6", env=env)).out == "2 seeds\n"
        assert (await crawl("jobs", "resume", job, env=env)).out.split()[0] == job
        assert (await crawl("jobs", "pause", job, env=env)).out == f"{job} paused\n"
        assert (await crawl("jobs", "cancel", job, env=env)).out == f"{job} cancelled\n"
        again = (
            await crawl("jobs", "again", job, "--paused", "--set", "limit=9", "--name", "more", env=env)
        ).out.strip()
        one = json.loads((await crawl("jobs", "show", again, "--json", env=env)).out)
        assert (one["name"], one["state"], one["settings"]["scope"]) == ("more", "paused", {"limit": 9, "max_depth": 7})
        shown = await crawl("jobs", "list", "--json", "--state", "cancelled", env=env)
        assert json.loads(shown.out)["settings"] == {"politeness": {"delay_s": 0.2}, "scope": {"max_depth": 7}}
        refused = await crawl("jobs", "pause", job, env=env)
        assert (refused.code, refused.out) == (2, "")
        assert "a job that is cancelled cannot pause" in refused.err


@pytest.mark.long
async def test_failures_are_tried_again_and_parked_urls_fetched(crawl: Crawl, tmp_path: Path) -> None:
    def endless(target: str) -> Page:
        at = int(target.removeprefix("/t/"))
        return html("Without end", [f"/t/{n}" for n in range(at + 1, min(at + 6, 200))])

    pages = {"/": html("Home", ["/t/0", "/busy"]), "/busy": failing(html("Busy"), times=2)}
    web = Web([Site("a.test", pages, traps={"/t/": endless})])
    async with open_web(web) as served, serving(tmp_path) as daemon:
        env = {"CRAWL_DAEMON__DATA": str(daemon.data)}
        once = ["--set", "max_attempts=1", "--set", "delay_s=0"]
        job = (await crawl("jobs", "add", served.seeds[0], *once, env=env)).out.strip()
        await until(daemon, job, "completed")
        shown = (await crawl("jobs", "show", job, env=env)).out
        [pattern] = re.findall(r"^parked     \d+ under (\S+) \(1 of 1\d\d were new\)$", shown, re.MULTILINE)
        assert re.search(r"^urls       0 queued, \d+ parked; ", shown, re.MULTILINE)
        assert "\n           such as http://" in shown
        refused = await crawl("jobs", "retry", job, "--reason", "dsn", env=env)
        assert (refused.code, refused.out) == (2, "")
        assert "did you mean dns?" in refused.err
        again = (await crawl("jobs", "retry", job, "--reason", "status-5xx", env=env)).out
        assert re.fullmatch(rf"{job} \w+: 1 URL queued again\n", again)
        await until(daemon, job, "completed")
        assert ": 1 URL queued again" in (await crawl("jobs", "retry", job, env=env)).out
        await until(daemon, job, "completed")
        said = await crawl("jobs", "unpark", job, pattern, "--json", env=env)
        assert json.loads(said.out)["queued"] > 2
        await until(daemon, job, "completed")
        assert ": 0 URLs queued again" in (await crawl("jobs", "unpark", job, env=env)).out
        await until(daemon, job, "completed")
        assert "parked" not in (await crawl("jobs", "show", job, env=env)).out
        more = (await crawl("jobs", "add", served.seeds[0], "--paused", env=env)).out.strip()
        assert (await crawl("jobs", "unpark", more, env=env)).out == f"{more} paused: saved until the job runs\n"


async def test_a_list_of_many_seeds_arrives_whole_and_bad_ones_are_told(crawl: Crawl, tmp_path: Path) -> None:
    urls = [f"http://127.0.0.1:9/{n}" for n in range(2500)]
    (tmp_path / "urls.txt").write_text("\n".join(["# mine", "no url at all", *urls]))
    async with serving(tmp_path) as daemon:
        added = await crawl("jobs", "add", "urls.txt", "--paused", "--data", "data")
        assert added.code == 0
        assert "unusable seed" in added.err
        _, job = await daemon.ask("GET", f"/v1/jobs/{added.out.strip()}")
        assert (job["seeds"]["given"], job["state"]) == (2500, "paused")
        full = ["--links", "--text", "--format", "jsonl", "--key", "k", "--paused", "--data", "data"]
        again = [await crawl("jobs", "add", urls[0], *full) for _ in range(2)]
        assert again[0].out == again[1].out
        _, job = await daemon.ask("GET", f"/v1/jobs/{again[0].out.strip()}")
        for _ in range(2):
            ran = await crawl("jobs", "seeds", again[0].out.strip(), *urls[:3], "--key", "s", "--data", "data")
            assert ran.out == "3 seeds\n"
        _, job = await daemon.ask("GET", f"/v1/jobs/{again[0].out.strip()}")
        assert job["seeds"]["given"] == 4
        assert job["settings"]["sinks"] == [{"links": True, "text": True}]


async def test_pages_are_printed_as_they_come(tmp_path: Path, crawl: Crawl) -> None:
    async with open_web(WEB) as served, serving(tmp_path):
        job = (await crawl("jobs", "add", served.url("b.test", "/"), "--limit", "20", "--data", "data")).out.strip()
        command = [CRAWL, "jobs", "tail", job, "-n", "1000", "--data", "data"]
        ran = await anyio.run_process(command, cwd=tmp_path, check=False, stderr=subprocess.PIPE)
        assert ran.returncode == 0
        assert len(ran.stdout.decode().splitlines()) == 20
        assert b"completed: page-limit" in ran.stderr


async def test_ctrl_c_ends_a_tail_and_nothing_else(tmp_path: Path, crawl: Crawl) -> None:
    async with open_web(WEB) as served, serving(tmp_path) as daemon:
        job = (await crawl("jobs", "add", served.url("b.test", "/"), "--data", "data")).out.strip()
        command = [CRAWL, "jobs", "tail", job, "--data", "data"]
        async with await anyio.open_process(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            with anyio.fail_after(60):
                await process.stdout.receive()
            process.send_signal(signal.SIGINT)
            with anyio.fail_after(60):
                code = await process.wait()
            assert process.stderr is not None
            assert (code, await process.stderr.receive() if code != 11 else b"") == (11, b"")
        assert (await daemon.ask("GET", f"/v1/jobs/{job}"))[1]["state"] == "running"


# -- what goes wrong --------------------------------------------------------------------------------------------------


async def test_where_no_daemon_runs_it_says_so(crawl: Crawl) -> None:
    ran = await crawl("jobs", "list", "--url", "http://127.0.0.1:9")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "crawl: no daemon answers at http://127.0.0.1:9 (Connection refused): start one with `crawl serve`,"
        " or name it with --url\n"
    )


@pytest.mark.long
async def test_what_the_daemon_refuses_is_said_in_its_words(crawl: Crawl, tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        (tmp_path / "wrong").write_text("a-token-that-is-wrong\n")
        (tmp_path / "wrong").chmod(0o600)
        ran = await crawl("jobs", "list", "--data", "data", "--token-file", "wrong")
        assert ran.code == 2
        assert ran.err == (
            "crawl: this token is not known to the daemon, or was replaced: name the right file with --token-file,"
            " or the daemon's folder with --data\n"
        )
        ran = await crawl("jobs", "list", "--url", daemon.url)
        assert (ran.code, ran.err) == (
            2, "crawl: a token is needed: name its file with --token-file, or the daemon's folder with --data\n"
        )  # fmt: skip
        ran = await crawl("jobs", "show", "j-0", "--data", "data")
        assert ran.err == "crawl: there is no job 'j-0'\n"
        ran = await crawl("jobs", "show", "../settings", "--data", "data")
        assert ran.code == 2
        assert "is not the id of a job" in ran.err
        ran = await crawl("jobs", "add", "https://a.test/", "--set", "dealy_s=1", "--data", "data")
        assert ran.code == 2
        assert "dealy_s: no such setting; did you mean politeness.delay_s?" in ran.err
        assert (await daemon.ask("GET", "/v1/jobs"))[1]["items"] == []


async def test_a_unix_socket_is_spoken_to(crawl: Crawl, tmp_path: Path) -> None:
    async with serving(tmp_path, "--socket", str(tmp_path / "s")):
        assert (await crawl("jobs", "list", "--data", "data")).out == "no jobs\n"
        assert (await crawl("jobs", "list", "--data", "data", "--url", f"unix:{tmp_path / 's'}")).out == "no jobs\n"
