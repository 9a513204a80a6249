"""`crawl repair` as a person meets it: what it mends, what it leaves alone, and what it says."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler.testing import Served

from .conftest import ALLOWED, CRAWL, Crawl, Ran

SETTINGS: dict[str, Any] = {"delay_s": 0, "per_site": 4, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}


@pytest.fixture
async def home(web: Served, tmp_path: Path) -> Path:
    """A crawl that was stopped half-way."""
    home = tmp_path / "a.crawl"
    await crawler.crawl([web.url("b.test")], folder=home, limit=20, **SETTINGS)
    return home


def damage(home: Path, text: bytes) -> None:
    """Write over the page of the frontier's file in which the text stands."""
    path = home / "frontier.sqlite"
    whole = path.read_bytes()
    at = whole.index(text) // 4096 * 4096
    path.write_bytes(whole[:at] + b"\xa5" * 4096 + whole[at + 4096 :])


def contents(home: Path) -> dict[str, bytes]:
    """All it holds, but for who held it last."""
    return {path.name: path.read_bytes() for path in home.iterdir() if path.name != "lock"}


@pytest.mark.long
@pytest.mark.slow
async def test_a_damaged_crawl_is_repaired_and_goes_on(crawl: Crawl, home: Path, web: Served) -> None:
    damage(home, web.url("b.test").encode())
    refused = await crawl("a.crawl", "--limit", "1000")
    assert (refused.code, refused.out) == (1, "")
    assert "crawl repair" in refused.err
    ran = await crawl("repair", "a.crawl")
    assert (ran.code, ran.out) == (0, "")
    assert "URLs known: 20 visited" in ran.err
    assert ran.err.splitlines()[-1] == "go on with: crawl a.crawl"
    assert max(map(len, ran.err.splitlines())) <= 80
    assert (home / "frontier.sqlite.damaged-1").exists()
    assert (await crawl("a.crawl", "--limit", "1000", *ALLOWED)).code == 0
    urls = [json.loads(line)["url"] for line in (home / "pages.jsonl").read_text().splitlines()]
    assert len(urls) == len(set(urls)) >= 20


@pytest.mark.slow
async def test_where_nothing_is_damaged_nothing_changes_unless_it_is_forced(crawl: Crawl, home: Path) -> None:
    before = contents(home)
    ran = await crawl("repair", "a.crawl")
    assert (ran.code, ran.out, ran.err) == (0, "", "no damage found, and nothing changed\n")
    assert contents(home) == before
    forced = await crawl("repair", "a.crawl", "--force")
    assert (forced.code, "41 URLs known: 20 visited, 21 queued" in forced.err) == (0, True)
    assert (home / "frontier.sqlite.damaged-1").read_bytes() == before["frontier.sqlite"]


@pytest.mark.slow
async def test_a_name_with_anything_in_it_is_told_as_a_shell_takes_it(crawl: Crawl, home: Path) -> None:
    strange = home.rename(home.with_name("it's\x1b[2J mine"))
    ran = await crawl("repair", str(strange), "--force")
    assert ran.code == 0
    assert "\x1b" not in ran.err
    assert shlex.split(ran.err.splitlines()[-1])[-1].startswith(str(home.parent))


@pytest.mark.slow
async def test_a_folder_in_use_is_left_to_its_user(crawl: Crawl, home: Path) -> None:
    async with crawler.open_crawl(folder=home):
        before = contents(home)
        ran = await crawl("repair", "a.crawl")
        assert (ran.code, ran.out) == (2, "")
        assert (
            ran.err
            == f"crawl: a.crawl is in use by pid {os.getpid()}: stop that crawl, or give this one another folder\n"
        )
        assert contents(home) == before


@pytest.mark.slow
async def test_what_was_settled_cannot_be_read(crawl: Crawl, home: Path) -> None:
    """The table with the sinks' positions is lost: how much of the pages counts is not known."""
    damage(home, b"positions")
    before = contents(home)
    ran = await crawl("repair", "a.crawl")
    assert (ran.code, ran.out) == (1, "")
    assert "cannot be repaired" in ran.err
    assert "--fresh" in ran.err
    assert contents(home) == before


@pytest.mark.long
@pytest.mark.slow
async def test_pages_that_are_gone_are_not_crawled_again_before_it_is_asked_for(
    crawl: Crawl, home: Path, web: Served
) -> None:
    (home / "pages.jsonl").rename(home.with_name("mine.jsonl"))
    asked = len(web.hits)
    refused = await crawl("a.crawl", "--limit", "1000")
    assert (refused.code, refused.out, len(web.hits)) == (5, "", asked)
    assert refused.err.startswith("crawl: a.crawl/pages.jsonl is empty or gone: the records of 20 visits are missing. ")
    assert "crawl repair" in refused.err
    assert not (home / "pages.jsonl").exists()
    ran = await crawl("repair", "a.crawl")
    said = "20 records are missing from pages.jsonl: visited again\ngo on with: crawl a.crawl\n"
    assert (ran.code, ran.out, ran.err) == (0, "", said)
    assert (await crawl("a.crawl", "--limit", "1000", *ALLOWED)).code == 0
    urls = [json.loads(line)["url"] for line in (home / "pages.jsonl").read_text().splitlines()]
    assert len(urls) == len(set(urls)) > 20


@pytest.mark.slow
async def test_a_tail_that_is_gone_is_visited_again_and_said(crawl: Crawl, home: Path, web: Served) -> None:
    """As a power cut leaves it: the end of the last pages never came to the disk."""
    whole = (home / "pages.jsonl").read_bytes()
    (home / "pages.jsonl").write_bytes(whole[:-100])
    ran = await crawl("a.crawl", "--limit", "1000", *ALLOWED)
    assert (ran.code, ran.out) == (0, "")
    assert "1 record is missing from pages.jsonl: visited again\n" in ran.err
    assert "  1 visit repeated: records were missing\n" in ran.err
    assert "1 record is missing from pages.jsonl" in (home / "crawl.log").read_text()
    urls = [json.loads(line)["url"] for line in (home / "pages.jsonl").read_text().splitlines()]
    assert len(urls) == len(set(urls)) > 20
    assert (home / "pages.jsonl").read_bytes().startswith(whole[: whole[:-100].rindex(b"\n")])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["empty"], "empty is no crawl folder"),
        (["unborn"], "unborn cannot be repaired: its frontier is not in a file"),
        ([], "missing argument 'FOLDER'"),
    ],
)
async def test_what_is_no_crawl_to_repair_is_told(
    crawl: Crawl, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "unborn").mkdir()
    (tmp_path / "unborn" / "crawl.toml").touch()
    ran = await crawl("repair", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


async def test_its_help_fits_a_terminal(crawl: Crawl) -> None:
    ran = await crawl("repair", "--help", env={**os.environ, "COLUMNS": "80"})
    assert (ran.code, ran.err) == (0, "")
    assert "FOLDER" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


# -- a folder that cannot be written -----------------------------------------------------------------------------------


ROOT_MAY_NOT = "-dac_override,-dac_read_search"
"""What lets root write wherever it likes."""


async def held_to_permissions(*arguments: str) -> Ran:
    """The command by someone who may not do what files' permissions forbid."""
    as_all = ["setpriv", f"--bounding-set={ROOT_MAY_NOT}", f"--inh-caps={ROOT_MAY_NOT}"] if os.geteuid() == 0 else []
    command = [*as_all, CRAWL, *arguments]
    ran = await anyio.run_process(command, check=False, cwd="/", stderr=subprocess.PIPE)
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write anywhere")
@pytest.mark.parametrize("is_lockable", [False, True])
async def test_a_folder_that_cannot_be_written_is_told_and_loses_nothing(
    home: Path, web: Served, is_lockable: bool
) -> None:
    damage(home, web.url("b.test").encode())
    for path in home.iterdir():
        path.chmod(0o666 if is_lockable and path.name == "lock" else 0o444)
    home.chmod(0o555)
    before = contents(home)
    try:
        for command in (["repair", str(home)], [str(home)]):
            ran = await held_to_permissions(*command)
            assert (ran.code, ran.out) == (5 if is_lockable else 2, ""), ran.err
            assert ran.err.count("\n") == 1
            assert str(home) in ran.err
            assert "cannot be written" in ran.err or "cannot be a crawl folder: Permission denied" in ran.err
            assert contents(home) == before
    finally:
        home.chmod(0o755)
