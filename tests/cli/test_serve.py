"""`crawl serve`: from its first word to its last, with real signals and a real supervisor's socket."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM
from typing import Any

import anyio
import pytest

from crawler.testing import Site, Web, html, open_web, slow

from .conftest import Crawl
from .serving import Serving, serving

pytestmark = pytest.mark.slow


def lasting(sites: int, pages: int, seconds: float = 0.05) -> Web:
    """Sites whose pages take their time."""

    def site(number: int) -> Site:
        rest = {f"/{n}": slow(html(str(n)), seconds) for n in range(1, pages)}
        return Site(f"site{number}.test", {"/": html("Home", list(rest)), **rest})

    made = [site(number) for number in range(sites)]
    return Web(made, [f"http://site{number}.test/" for number in range(sites)])


async def submit(daemon: Serving, *seeds: str, **more: object) -> str:
    status, job = await daemon.ask("POST", "/v1/jobs", {"seeds": seeds, **more})
    assert status == 201, job
    return str(job["id"])


async def ended(daemon: Serving, job: str) -> Any:
    with anyio.fail_after(60):
        while (found := (await daemon.ask("GET", f"/v1/jobs/{job}"))[1])["state"] in ("queued", "running"):
            await anyio.sleep(0.05)
    return found


async def test_a_daemon_starts_takes_a_job_and_stops_when_it_is_told(tmp_path: Path) -> None:
    async with open_web(lasting(1, 5)) as served, serving(tmp_path) as daemon:
        token = daemon.data / "token"
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        job = await ended(daemon, await submit(daemon, *served.seeds))
        assert (job["state"], job["pages"]) == ("completed", 5)
        assert await daemon.end() == 0
        log = daemon.log.read_text()
        assert f"listening at {'http://127.0.0.1:'}" in log
        assert "stopped; everything is saved" in log
        assert daemon.token not in log, "a log is read by others"


@pytest.mark.long
async def test_what_is_in_hand_is_finished_and_the_rest_goes_on_with_the_next_daemon(tmp_path: Path) -> None:
    async with open_web(lasting(1, 30)) as served:
        async with serving(tmp_path) as daemon:
            job = await submit(daemon, *served.seeds)
            with anyio.fail_after(60):
                while len(served.hits) < 5:
                    await anyio.sleep(0.01)
            assert await daemon.end(SIGINT) == 0
        async with serving(tmp_path) as daemon:
            assert (await ended(daemon, job))["pages"] == 30
    assert set(served.counts(robots=False).values()) == {1}


async def test_the_second_signal_leaves_at_once(tmp_path: Path) -> None:
    async with open_web(lasting(1, 3, seconds=600)) as served, serving(tmp_path) as daemon:
        await submit(daemon, *served.seeds)
        with anyio.fail_after(60):
            while len(served.counts(robots=False)) < 2:
                await anyio.sleep(0.01)
        daemon.process.send_signal(SIGTERM)
        await daemon.told("stopping")
        assert await daemon.end() == 11


@pytest.mark.long
async def test_killed_again_and_again_under_running_jobs_all_complete(tmp_path: Path) -> None:
    jobs, pages, env = 3, 25, {**os.environ, "CRAWL_DAEMON__MAX_CRASHES": "1000"}
    async with open_web(lasting(jobs, pages, seconds=0.03)) as served:
        made: list[str] = []
        for kill in range(3):
            async with serving(tmp_path, env=env) as daemon:
                if not made:
                    made = [await submit(daemon, seed) for seed in served.seeds]
                seen = len(served.hits)
                with anyio.fail_after(60):
                    while len(served.hits) < seen + 8 + 3 * kill:
                        await anyio.sleep(0.005)
                assert await daemon.end(SIGKILL) == -SIGKILL
        async with serving(tmp_path, env=env) as daemon:
            for job in made:
                assert (await ended(daemon, job))["state"] == "completed"
                records = (daemon.data / "crawls" / job / "pages.jsonl").read_text().splitlines()
                times = Counter(json.loads(line)["url"] for line in records)
                assert (len(times), set(times.values())) == (pages, {1})


# -- the token, the address -------------------------------------------------------------------------------------------


async def test_a_token_that_others_can_read_is_refused(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-that-everybody-reads\n")
    (tmp_path / "token").chmod(0o644)
    ran = await crawl("serve", "--port", "0", "--token-file", "token")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "token can be read by others (mode 0644): chmod 600 token" in ran.err


async def test_what_cannot_be_used_is_told_in_one_line(crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text("[daemon]\nmax_runing = 3\n")
    ran = await crawl("serve", "-c", "serve.toml")
    assert (ran.code, ran.out) == (2, "")
    assert "[daemon] max_runing: no such setting; did you mean max_running?" in ran.err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = await crawl("serve", "--port", str(taken.getsockname()[1]))
    assert ran.code == 2
    assert "choose another port with --port" in ran.err


async def test_one_folder_belongs_to_one_daemon(crawl: Crawl, tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        ran = await crawl("serve", "--port", "0", "--data", "data")
        assert ran.code == 2
        assert f"in use by pid {daemon.process.pid}" in ran.err


async def test_a_unix_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with serving(tmp_path, "--socket", str(tmp_path / "s")) as daemon:
        assert daemon.url == f"unix:{tmp_path / 's'}"
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600


# -- settings read anew -----------------------------------------------------------------------------------------------


async def test_sighup_takes_on_what_can_change_and_keeps_the_old_on_error(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text("[daemon]\nmax_running = 1\n")
    async with serving(tmp_path, "-c", str(file)) as daemon:
        file.write_text("user_agent = 'other/1'\n[daemon]\nmax_running = 2\nworkers = 3\n")
        daemon.process.send_signal(SIGHUP)
        await daemon.told(
            "in effect now: daemon.max_running, user_agent; after a restart of the daemon: daemon.workers"
        )
        file.write_text("[daemon]\nmax_running = 0\n")
        daemon.process.send_signal(SIGHUP)
        await daemon.told("the settings stay as they were")
        status, problem = await daemon.ask("POST", "/v1/reload")
        assert status == 422
        assert "max_running = 0" in problem["detail"]
        assert (await daemon.ask("GET", "/v1/jobs"))[0] == 200


async def test_another_token_counts_from_the_next_reload_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        old = daemon.token
        (daemon.data / "token").write_text("another-token-for-this-test\n")
        daemon.process.send_signal(SIGHUP)
        await daemon.told("in effect now: token")
        assert (await daemon.ask("GET", "/v1/jobs"))[0] == 200
        (daemon.data / "token").write_text(old)
        assert (await daemon.ask("GET", "/v1/jobs"))[0] == 401


# -- the log ----------------------------------------------------------------------------------------------------------


async def test_a_log_of_json_has_an_object_on_each_line(tmp_path: Path) -> None:
    async with open_web(lasting(1, 2)) as served, serving(tmp_path, "--json-logs", "-vv") as daemon:
        job = await submit(daemon, *served.seeds, name="j")
        await ended(daemon, job)
        assert await daemon.end() == 0
    lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
    assert all(set(line) >= {"at", "level", "logger", "message", "job"} for line in lines)
    assert job in {line["job"] for line in lines}


# -- the supervisor ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["in a folder", "abstract"])
def supervisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    name = str(tmp_path / "n") if request.param == "in a folder" else f"\0crawld-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name)
        sock.setblocking(False)
        yield sock


async def heard(supervisor: socket.socket, words: str) -> list[str]:
    """All that was said until then."""
    said: list[str] = []
    with anyio.fail_after(60):
        while not any(words in one for one in said):
            await anyio.wait_readable(supervisor)
            said.append(supervisor.recv(4096).decode())
    return said


async def test_a_supervisor_hears_how_the_daemon_is(tmp_path: Path, supervisor: socket.socket) -> None:
    name = supervisor.getsockname()
    address = f"@{name[1:].decode()}" if isinstance(name, bytes) else name
    env = {**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}
    async with serving(tmp_path, env=env) as daemon:
        [ready] = [one for one in await heard(supervisor, "READY=1") if "READY" in one]
        assert ready == "READY=1"
        await heard(supervisor, "WATCHDOG=1\nSTATUS=no jobs")
        await heard(supervisor, "WATCHDOG=1")
        daemon.process.send_signal(SIGHUP)
        assert "MONOTONIC_USEC=" in (await heard(supervisor, "RELOADING=1"))[-1]
        await heard(supervisor, "READY=1")
        assert await daemon.end() == 0
        await heard(supervisor, "STOPPING=1")
