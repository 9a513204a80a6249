"""The command as people meet it: what it says, what it leaves behind, and what a script learns from it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from crawler import Config
from crawler.folder.folder import open_folder
from crawler.testing import Served, Site, Web, open_web, plain

from .conftest import ALLOWED, CRAWL, Crawl

pytestmark = pytest.mark.slow


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def fetched(path: Path) -> list[str]:
    return [record["url"] for record in records(path) if record["disposition"] == "fetched"]


async def test_help_shows_what_one_looks_for(crawl: Crawl) -> None:
    ran = await crawl("--help")
    assert ran.code == 0
    assert "crawl SEEDS..." in ran.out
    assert "--depth" in ran.out
    assert "demo" in ran.out
    bare = await crawl()
    assert (bare.code, bare.err) == (2, ran.out)
    assert (await crawl("--version")).out.startswith("crawld ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dept", "1", "example.org"], "--depth"),
        (["example.org", "--dleay=1"], "--delay"),
        (["demoo"], "did you mean `crawl demo`"),
        (["config", "shwo"], "show"),
        (["example.org", "--set", "dealy_s=1"], "dealy_s: no such setting; did you mean politeness.delay_s?"),
        (["example.org", "--set", "delay_s"], "not KEY=VALUE"),
        (["example.org", "--delay", "often"], "'--delay': should be a valid number; `crawl --help` tells more"),
        (["example.org", "--set"], "'--set' requires an argument; `crawl --help` tells more"),
        (["explain"], "missing argument 'FOLDER|URL'; `crawl explain --help` tells more"),
        (["explain", "what is this"], "neither a URL nor a host name: 'what is this'"),
        (["example.org", "--exclude", "re:a(?=b)"], "holds a lookahead, (?=, which some URLs would make slow"),
        (["example.org", "--delay", "-1"], "delay_s = -1.0: should be greater than or equal to 0"),
        (["example.org", "--time-limit", "soon"], "'soon' is not a time; write 30s"),
        (["example.org", "--reach", "planet"], "'planet'"),
        (["example.org", "--include", "re:("], "re:("),
        (["example.org", "-c", "gone.toml"], "gone.toml: No such file"),
        (["ftp://a.example/"], "not http or https"),
        (["gone.txt"], "gone.txt: no such file"),
        (["-"], "standard input: empty"),
        (["gone"], "gone: no such file; for a web site, write https://"),
        (["empty.txt"], "empty.txt: empty"),
        (["comments.txt"], "no line that could be used as a seed"),
        (["binary.txt"], "binary.txt: a binary file"),
        (["folder"], "folder: a directory"),
        (["example.org", "--set", "ca_file=gone.pem"], "fetch.ca_file: gone.pem: No such file"),
        (["example.org", "--set", "headers={'a b' = 'c'}"], "fetch.headers: 'a b' is no field name"),
        (["bad.txt", "--strict"], "bad.txt:2: neither a URL nor a host name: 'what is this'"),
        (["example.org", "-o", "folder"], "folder is not empty and no crawl folder"),
        (["example.org", "-o", "empty.txt"], "empty.txt cannot be a crawl folder"),
    ],
)
async def test_what_cannot_be_used_is_told_in_one_line_and_nothing_is_left_behind(
    crawl: Crawl, tmp_path: Path, arguments: list[str], told: str
) -> None:
    for name, content in {"empty.txt": b"", "comments.txt": b"# none\n", "binary.txt": b"\x7fELF\0"}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "bad.txt").write_text("a.example\nwhat is this\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").touch()
    before = sorted(tmp_path.rglob("*"))
    ran = await crawl(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    lines = ran.err.splitlines()
    assert lines[-1].startswith("crawl: ")
    assert lines[:-1] == (["crawling into stdin.crawl"] if arguments == ["-"] else [])
    assert sorted(tmp_path.rglob("*")) == before


async def test_an_unknown_variable_is_told(crawl: Crawl) -> None:
    ran = await crawl("example.org", env={**os.environ, "CRAWL_DEPTH": "1"})
    assert ran.code == 2
    assert "CRAWL_DEPTH in the environment: depth: no such setting; did you mean scope.max_depth?" in ran.err


async def test_from_a_seed_file_to_a_finished_crawl_folder(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    (tmp_path / "urls.txt").write_text(f"# mine\n{web.url('a.test')}\nnot a seed\n{web.url('a.test', '/1')}\n")
    ran = await crawl("urls.txt", *ALLOWED)
    assert (ran.code, ran.out) == (0, "")
    assert "finished: 3 pages" in ran.err
    assert "failed 1 at" in ran.err
    assert "status-4xx" in ran.err
    folder = tmp_path / "urls.crawl"
    assert {record["url"] for record in records(folder / "pages.jsonl")} == web.web.reachable()
    assert (folder / "bad-seeds.txt").read_text() == "urls.txt:3: neither a URL nor a host name: 'not a seed'\n"
    assert "1 unusable line among the seeds: urls.crawl/bad-seeds.txt" in ran.err
    log = (folder / "crawl.log").read_text()
    assert "Z INFO    crawler.cli: crawling into urls.crawl\n" in log
    assert "crawler.cli: finished: 3 pages" in log

    asked = len(web.hits)
    again = await crawl("urls.txt", *ALLOWED)
    assert again.code == 0
    assert "nothing left to do: urls.crawl is finished" in again.err
    assert len(web.hits) == asked

    anew = await crawl("urls.txt", "--fresh", *ALLOWED)
    assert anew.code == 0
    assert len(records(folder / "pages.jsonl")) == len(records(tmp_path / "urls.crawl.old-1" / "pages.jsonl"))


async def test_json_is_all_that_standard_output_gets(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    ran = await crawl("-", "-o", "out", "--json", "--links", *ALLOWED, stdin=f"url,name\n{web.url('a.test')},A\n")
    assert ran.code == 0
    assert ran.out == (tmp_path / "out" / "pages.jsonl").read_text("utf-8")
    home = next(record for record in map(json.loads, ran.out.splitlines()) if record["title"] == "A")
    assert len(home["links"]) == 4


async def test_quiet_is_quiet(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    ran = await crawl(web.url("a.test"), "-q", *ALLOWED)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert len(list(tmp_path.glob("127.*.crawl/pages.jsonl"))) == 1


@pytest.mark.long
async def test_limits_end_a_crawl_and_the_same_command_goes_on(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    home, pages = web.url("b.test"), tmp_path / "b" / "pages.jsonl"
    ran = await crawl(home, "-o", "b", "--limit", "5", *ALLOWED)
    assert (ran.code, len(fetched(pages))) == (0, 5)
    assert "page limit reached" in ran.err
    assert f"crawl {home} -o b --limit 10" in ran.err, "the same limit would bring nothing"
    ran = await crawl(home, "-o", "b", "--limit", "40", "--size-limit", "1", *ALLOWED)
    assert ran.code == 14
    assert "scope.limit: now 40, was 5" in ran.err
    assert 5 < len(fetched(pages)) < 40
    ran = await crawl("b", "--set", "size_limit_bytes=none", "--set", "scope.limit=none", "--time-limit", "0.1s")
    assert ran.code == 15
    assert (await crawl("b", "--fresh")).code == 2
    ran = await crawl("b", "--set", "time_limit_s=none")
    assert ran.code == 0
    assert len(fetched(pages)) == len(set(fetched(pages))) == 41


async def test_a_script_learns_of_failures(crawl: Crawl, web: Served) -> None:
    assert (await crawl(web.url("a.test"), "--fail-on", "0", *ALLOWED)).code == 3
    assert (await crawl(web.url("a.test"), "--fail-on", "50%", *ALLOWED)).code == 0
    ran = await crawl(web.url("a.test", "/broken"), "-o", "none", *ALLOWED)
    assert ran.code == 4
    assert "nothing could be crawled" in ran.err
    ran = await crawl(web.url("a.test"), "-o", "private")
    assert ran.code == 4
    assert "blocked-address" in ran.err
    assert "--allow-network 127.0.0.0/8" in ran.err


async def test_a_script_learns_of_pages_that_could_not_be_parsed(crawl: Crawl) -> None:
    async with open_web(Web([Site("c.test", {"/": plain("<p>" * 60_000, "text/html")})])) as served:
        for folder, fail_on, code in (("a", ["--fail-on", "0", "--fail-on", "parse"], 3), ("b", ["--fail-on", "0"], 0)):
            small = ("--set", f"page_memory_bytes={8 << 20}")
            assert (await crawl(served.url("c.test"), "-o", folder, *fail_on, *small, *ALLOWED)).code == code


async def test_the_same_command_keeps_a_crawl_fresh(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    home = web.url("a.test")
    first = await crawl(home, "-o", "a", "--revisit", "1d", *ALLOWED)
    assert first.code == 0
    assert re.search(r"5 pages on schedule, the next due in (1 d 0 h|23 h 5\d min)", first.err)
    assert f"to revisit:\n  crawl {home} -o a --revisit 1d" in first.err
    early = await crawl(home, "-o", "a", "--revisit", "1d", *ALLOWED)
    assert early.code == 0
    assert "nothing is due: a is up to date" in early.err
    assert len(records(tmp_path / "a" / "pages.jsonl")) == 5
    off = await crawl("a", "--set", "revisit_after_s=none")
    assert "nothing left to do" in off.err


async def test_a_crawl_that_is_interrupted_is_finished_by_the_same_command(
    crawl: Crawl, tmp_path: Path, web: Served
) -> None:
    pages = tmp_path / "b" / "pages.jsonl"
    for number in (signal.SIGINT, signal.SIGTERM):
        command = [CRAWL, web.url("b.test"), "-o", "b", *ALLOWED]
        async with await anyio.open_process(command, cwd=tmp_path) as process:
            await seen(web, len(web.hits) + 5)
            process.send_signal(number)
            assert process.stderr is not None
            said = b"".join([chunk async for chunk in process.stderr]).decode()
            assert await process.wait() == 11
        assert "stopped, everything is saved" in said
        assert "still queued; to continue:\n  crawl http" in said
    assert (await crawl(web.url("b.test"), "-o", "b", *ALLOWED)).code == 0
    assert len(fetched(pages)) == len(set(fetched(pages))) == 41
    assert max(web.counts(robots=False).values()) == 1


async def test_a_folder_in_use_is_refused(crawl: Crawl, tmp_path: Path) -> None:
    with open_folder(tmp_path / "b", Config()):
        ran = await crawl("example.org", "-o", "b")
    assert ran.code == 2
    assert f"b is in use by pid {os.getpid()}: stop that crawl" in ran.err


async def test_a_second_interrupt_leaves_at_once_and_loses_nothing(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    command = [CRAWL, web.url("b.test"), "-o", "b", *ALLOWED]
    async with await anyio.open_process(command, cwd=tmp_path) as process:
        await seen(web, 5)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 11
    assert (await crawl("b")).code == 0
    pages = tmp_path / "b" / "pages.jsonl"
    assert len(fetched(pages)) == len(set(fetched(pages))) == 41


async def test_control_c_on_a_terminal_reaches_every_process_and_harms_none(tmp_path: Path, web: Served) -> None:
    command = [CRAWL, web.url("b.test"), "-o", "b", *ALLOWED]
    for asked in (0, 3):
        async with await anyio.open_process(command, cwd=tmp_path, start_new_session=True) as process:
            await until((tmp_path / "b" / "lock").exists)
            await seen(web, asked)
            os.killpg(process.pid, signal.SIGINT)
            assert process.stderr is not None
            said = b"".join([chunk async for chunk in process.stderr]).decode()
            assert (await process.wait(), "worker" in said) == (11, False)
    assert "worker" not in (tmp_path / "b" / "crawl.log").read_text()


async def test_a_reader_that_goes_away_ends_the_crawl_quietly(crawl: Crawl, tmp_path: Path, web: Served) -> None:
    ran = await anyio.run_process(
        f"'{CRAWL}' '{web.url('b.test')}' -o b --json -q {' '.join(ALLOWED)} | head -1", cwd=tmp_path, check=False
    )
    assert len(ran.stdout.splitlines()) == 1
    assert ran.stderr == b""
    assert (await crawl("b")).code == 0
    pages = tmp_path / "b" / "pages.jsonl"
    assert len(fetched(pages)) == len(set(fetched(pages))) == 41


@pytest.mark.parametrize(("closing", "code"), [(">&-", 0), ("2>&-", 0), ("<&-", 0), (">/dev/full", 5)])
async def test_standard_files_may_be_closed_or_full(tmp_path: Path, web: Served, closing: str, code: int) -> None:
    command = f"'{CRAWL}' '{web.url('a.test')}' -o a --json {' '.join(ALLOWED)} {closing}"
    ran = await anyio.run_process(command, cwd=tmp_path, check=False)
    assert ran.returncode == code
    if code == 0:
        assert len(fetched(tmp_path / "a" / "pages.jsonl")) == 3


async def test_a_folder_that_goes_away_ends_the_crawl_at_once(tmp_path: Path, web: Served) -> None:
    command = [CRAWL, web.url("b.test"), "-o", "b", *ALLOWED]
    async with await anyio.open_process(command, cwd=tmp_path) as process:
        await seen(web, 5)
        (tmp_path / "b").rename(tmp_path / "c")
        assert process.stderr is not None
        said = b"".join([chunk async for chunk in process.stderr]).decode()
        assert await process.wait() == 5
    assert "crawl: pages cannot be written" in said
    assert "ERROR   crawler.cli: pages cannot be written" in (tmp_path / "c" / "crawl.log").read_text()


async def test_seeds_are_visited_while_their_list_is_still_written(tmp_path: Path, web: Served) -> None:
    """And a crawl whose input never ends can be stopped."""
    command = [CRAWL, "-", "-o", "b", *ALLOWED]
    async with await anyio.open_process(command, cwd=tmp_path) as process:
        assert process.stdin is not None
        await process.stdin.send(f"{web.url('a.test')}\n".encode())
        await seen(web, 3)
        process.send_signal(signal.SIGINT)
        with anyio.fail_after(20):
            assert await process.wait() == 11


async def test_a_panel_stands_on_a_terminal(tmp_path: Path, web: Served) -> None:
    ours, theirs = pty.openpty()
    command = [CRAWL, web.url("b.test"), "-o", "b", "--delay", "0.02", *ALLOWED[:2]]
    env = os.environ | {"NO_COLOR": "1"}
    async with await anyio.open_process(command, cwd=tmp_path, stdout=None, stderr=theirs, env=env) as process:
        os.close(theirs)
        drawn = await anyio.to_thread.run_sync(_all_of, ours)
        assert await process.wait() == 0
    assert "bound by" in drawn
    assert "in flight" in drawn
    assert set(re.findall(r"\x1b\[([0-9;]*)m", drawn)) <= {"", "0", "1"}, "NO_COLOR: bold is no colour"
    assert "\x1b[?25h" in drawn, "the cursor is shown again"
    assert "finished: 41 pages" in drawn
    assert drawn.startswith("crawling into b ...\r\n"), "before all that takes time to import"
    assert drawn.count("crawling into") == 1


async def test_the_folder_is_named_at_once_on_a_terminal_alone(tmp_path: Path, crawl: Crawl) -> None:
    """With settings that are refused nothing else is said, so that no crawl is needed here."""
    refused = ["http://127.0.0.1:9/", "--set", "delay_s=x"]
    for more, said in (((), "crawling into 127.0.0.1-9.crawl ...\r\ncrawl: "), (("-q",), "crawl: ")):
        ours, theirs = pty.openpty()
        env = os.environ | {"NO_COLOR": "1"}
        async with await anyio.open_process([CRAWL, *refused, *more], cwd=tmp_path, stderr=theirs, env=env) as process:
            os.close(theirs)
            assert (await anyio.to_thread.run_sync(_all_of, ours)).startswith(said)
            assert await process.wait() == 2
    assert (await crawl(*refused)).err.startswith("crawl: ")


def _all_of(terminal: int) -> str:
    chunks = []
    with open(terminal, "rb", buffering=0) as file:
        try:
            while chunk := file.read(65536):
                chunks.append(chunk)
        except OSError:  # how Linux says that the other side was closed
            pass
    return b"".join(chunks).decode()


async def seen(web: Served, hits: int) -> None:
    """Wait until the web was asked so often."""
    await until(lambda: len(web.hits) >= hits)


async def until(is_so: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not is_so():
            await anyio.sleep(0.01)
