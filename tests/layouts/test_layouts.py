"""Folders and databases of earlier layouts are read as they are, and brought to ours when they are written."""

from __future__ import annotations

import json
import sqlite3
import sys
import tarfile
from collections import Counter
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import pytest

import crawler
from crawler import Disposition, FrontierError
from crawler.daemon import DaemonConfig, State, StoreError, open_jobs
from crawler.daemon.jobs import store
from crawler.frontier.sqlite import schema
from crawler.frontier.sqlite.file import open_file
from crawler.runtime import layouts
from crawler.settings.loading import project_version
from tests.layouts.make import SITE, WORDS, Canned

HERE = Path(__file__).parent
CRAWL = str(Path(sys.executable).parent / "crawl")
CRAWLS = sorted(path.name.removesuffix(".tar.xz") for path in HERE.glob("crawl-*.tar.xz"))
QUICK: dict[str, Any] = {"limit": 1000, "retry_delay_s": 0.01, "max_attempts": 2}


def unpacked(name: str, tmp_path: Path) -> Path:
    with tarfile.open(HERE / f"{name}.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / name


def layout_in(name: str) -> int:
    return int(name.split("-")[1])


def layout_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return layouts.layout_of(connection)


def contents(folder: Path) -> dict[str, str]:
    """The files of a folder but for its lock."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def records(folder: Path) -> Counter[str]:
    return Counter(json.loads(line)["url"] for line in (folder / "pages.jsonl").read_text().splitlines())


def test_there_is_a_folder_of_every_layout_that_is_brought_to_the_next() -> None:
    brought = schema.READABLE - {schema.VERSION, schema.CUT + schema.VERSION}
    assert {layout_in(name) for name in CRAWLS} >= schema.UPGRADES.keys() == brought
    daemons = {layout_in(path.name.removesuffix(".tar.xz")) for path in HERE.glob("daemon-*.tar.xz")}
    assert daemons >= store.UPGRADES.keys() == set(range(1, store.VERSION))


@pytest.mark.parametrize("name", CRAWLS)
async def test_an_older_folder_goes_on_to_its_end_and_its_frontier_is_kept(name: str, tmp_path: Path) -> None:
    folder = unpacked(name, tmp_path)
    before, old = records(folder), (folder / "frontier.sqlite").read_bytes()
    async with crawler.open_crawl(folder=folder, fetcher=Canned(), **QUICK) as crawl:
        assert crawl.folder is not None
        remarks = [one for one in crawl.folder.remarks if "layout" in one]
        summary = await crawl.run()
    assert (summary.counts.queued, summary.counts.known) == (0, 1 + len(WORDS) + len(WORDS) - 2)
    assert summary.counts.settled == {Disposition.FETCHED: 17, Disposition.FAILED: 2}
    assert set(records(folder).values()) == {1}
    assert before < records(folder)
    assert layout_of(folder / "frontier.sqlite") == schema.VERSION
    if layout_in(name) == schema.VERSION:
        assert remarks == []
    else:
        kept = layouts.name_copy(folder / "frontier.sqlite", layout_in(name))
        assert kept.read_bytes() == old
        assert kept.name in remarks[0]
        assert kept.stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("name", CRAWLS)
async def test_an_older_folder_is_shown_and_explained_without_being_changed(name: str, tmp_path: Path) -> None:
    folder = unpacked(name, tmp_path)
    before = contents(folder)
    file = folder / "frontier.sqlite"
    found = await crawler.explain(f"{SITE}/5/five", crawler.Config(), frontier=file, is_offline=True)
    assert (found.known and found.known.standing, found.request.depth) == ("done", 1)
    waits = await crawler.explain(f"{SITE}/5/five/below", crawler.Config(), frontier=file, is_offline=True)
    assert waits.known
    assert waits.known.standing == "queued"
    assert contents(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", CRAWLS)
async def test_the_command_explains_an_older_folder_without_changing_it(name: str, tmp_path: Path) -> None:
    folder = unpacked(name, tmp_path)
    before = contents(folder)
    ran = await anyio.run_process([CRAWL, "explain", f"{SITE}/5/five", "-o", str(folder), "--offline"], check=False)
    assert b"fetched" in ran.stdout, ran
    assert contents(folder) == before


@pytest.mark.parametrize("is_forced", [False, True])
@pytest.mark.parametrize("name", CRAWLS)
async def test_an_older_folder_is_repaired_into_the_layout_of_today(name: str, is_forced: bool, tmp_path: Path) -> None:
    folder = unpacked(name, tmp_path)
    report = crawler.repair_folder(folder, is_forced=is_forced)
    assert bool(report.frontier) is is_forced
    async with crawler.open_crawl(folder=folder, fetcher=Canned(), **QUICK) as crawl:
        await crawl.run()
    assert set(records(folder).values()) == {1}
    assert len(records(folder)) == 1 + len(WORDS) + len(WORDS) - 2


KILLS = """
import os, signal, sys
from pathlib import Path
from crawler.frontier.sqlite.file import open_file
from crawler.runtime.layouts import layout_of, name_copy
path, old = Path(sys.argv[1]), Path(sys.argv[2])
whole, n = old.read_bytes(), 0
while True:
    for left in path.parent.glob("frontier.sqlite*"):
        left.unlink()
    path.write_bytes(whole)
    os.chmod(path, 0o600)
    if not (child := os.fork()):
        left = n
        def count(event, arguments):
            global left
            if event.split(".")[0] in ("open", "os", "sqlite3", "fcntl"):
                left -= 1
                if left == -1:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(count)
        open_file(path, "power").close()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    kept = name_copy(path, 1)
    assert not kept.exists() or kept.read_bytes() == whole, n
    connection = open_file(path, "power")
    assert connection.execute("SELECT count(*) FROM url").fetchone() == (18,), n
    assert connection.execute("SELECT count(*), count(left_out) FROM visit").fetchone() == (9, 0), n
    connection.close()
    assert kept.read_bytes() == whole, n
    if os.WIFEXITED(status):
        break
    n += 1
print(n)
"""


async def test_a_kill_at_any_step_of_an_upgrade_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    old = unpacked("crawl-1-refused", tmp_path) / "frontier.sqlite"
    place = tmp_path / "killed"
    place.mkdir(mode=0o700)
    ran = await anyio.run_process([sys.executable, "-c", KILLS, str(place / "frontier.sqlite"), str(old)], check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    assert int(ran.stdout) > 10


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = unpacked("crawl-1-refused", tmp_path) / "frontier.sqlite"
    wrong = {layout: f"{steps}; SELECT no_such FROM visit" for layout, steps in schema.UPGRADES.items()}
    monkeypatch.setattr(schema, "UPGRADES", wrong)
    with pytest.raises(FrontierError, match="no_such"):
        open_file(path, "power")
    monkeypatch.undo()
    assert layout_of(path) == 1
    open_file(path, "power").close()
    assert layout_of(path) == schema.VERSION


async def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "SPARE_BYTES", 1 << 60)
    folder = unpacked("crawl-1-refused", tmp_path)
    before = contents(folder)
    with pytest.raises(crawler.StorageFull, match="Make room and run the same command again; nothing was changed"):
        async with crawler.open_crawl(folder=folder, fetcher=Canned()):
            pass
    after = contents(folder)
    del before["crawl.toml"], after["crawl.toml"]
    assert after == before


async def test_a_newer_layout_is_refused_by_name_and_nothing_is_changed(tmp_path: Path) -> None:
    folder = unpacked("crawl-2", tmp_path)
    with closing(sqlite3.connect(folder / "frontier.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99").fetchall()
        with connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('written_by', '99.1')")
    before = contents(folder)
    told = rf"was written by crawld 99\.1 \(layout 99\); this is {project_version()}, which reads layouts up to"
    with pytest.raises(FrontierError, match=told):
        async with crawler.open_crawl(folder=folder, fetcher=Canned(), delay_s=3.0):
            pass
    with pytest.raises(FrontierError, match=told):
        await crawler.explain(SITE, crawler.Config(), frontier=folder / "frontier.sqlite", is_offline=True)
    assert contents(folder) == before


# -- crawl.toml --------------------------------------------------------------------------------------------------------

NEWER = """# Written by crawld 99.1: the settings this crawl was started with; all others have their defaults.

colour = "red"
[scope]
max_depth = 2
width = 3
[zoom]
factor = 1.5
[[sinks]]
links = true
taste = "sweet"
[sites."https://example.org"]
delay_s = 2.0
mood = "good"
"""


async def test_settings_that_only_a_newer_version_knows_are_a_remark_and_stay_in_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    folder.mkdir()
    path = folder / "crawl.toml"
    path.write_text(NEWER)
    for _ in range(2):
        async with crawler.open_crawl(folder=folder, executor="inline") as crawl:
            assert crawl.folder is not None
            assert (crawl.config.sinks[0].links, crawl.config.scope.include) == (True, ())
            assert all(name in crawl.folder.remarks[0] for name in ("99.1", "colour", "scope.width", "zoom"))
            await crawl.change(max_depth=5)
        text = path.read_text()
        for line in ('colour = "red"', "width = 3", "zoom = ", "max_depth = 5"):
            assert line in text
        assert text.startswith("# Written by crawld 99.1:")
        assert crawl.config.sites["https://example.org"].delay_s == 2.0
        assert (folder / "crawl.toml.by-99.1").read_text() == NEWER


@pytest.mark.slow
async def test_the_command_says_once_what_a_newer_version_left_and_what_it_keeps(tmp_path: Path) -> None:
    folder = unpacked("crawl-1-refused", tmp_path)
    toml = folder / "crawl.toml"
    toml.write_text(
        toml.read_text().replace("limit = 8", "limit = 8\nwidth = 3").replace("# The", "# Written by crawld 99.1: the")
    )
    ran = await anyio.run_process([CRAWL, str(folder)], check=False)
    told = ran.stderr.decode()
    assert told.count("was written by crawld 99.1") == told.count("ignores: scope.width") == 1
    assert told.count("frontier.sqlite.layout-1: remove it once you need no older version") == 1


@pytest.mark.parametrize("header", ["", f"# Written by crawld {project_version()}: by hand"])
async def test_unknown_settings_that_no_newer_version_wrote_are_an_error(header: str, tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    folder.mkdir()
    (folder / "crawl.toml").write_text(f"{header}\n[scope]\nmax_dept = 2\n")
    with pytest.raises(crawler.ConfigError, match="max_dept: no such setting; did you mean"):
        async with crawler.open_crawl(folder=folder):
            pass


# -- the daemon --------------------------------------------------------------------------------------------------------

BASE = crawler.Config.model_validate({"offload": {"executor": "inline"}})


async def test_the_data_of_an_older_daemon_goes_on(tmp_path: Path) -> None:
    data = unpacked("daemon-1", tmp_path)
    async with open_jobs(DaemonConfig(), data, BASE) as jobs:
        states = {job.name: job.state for job in jobs.list()}
        assert states == {"paused": State.PAUSED, "cancelled": State.CANCELLED}
        [paused] = jobs.list(State.PAUSED)
        assert (paused.settings, paused.labels) == ({"scope": {"max_depth": 2}}, {"team": "a"})
        assert [schedule.name for schedule in jobs.schedules.list()] == ["yearly"]
        assert set(jobs.templates) == {"shallow"}
        assert len(await jobs.events(0)) > 3
        await jobs.change(paused.id, {"max_depth": 3})
    async with open_jobs(DaemonConfig(), data, BASE) as jobs:
        assert jobs.find(paused.id).settings == {"scope": {"max_depth": 3}}


async def test_the_database_of_a_newer_daemon_is_refused_by_name(tmp_path: Path) -> None:
    data = unpacked("daemon-1", tmp_path)
    async with open_jobs(DaemonConfig(), data, BASE):
        pass
    with closing(sqlite3.connect(data / "daemon.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99").fetchall()
        with connection:
            connection.execute("UPDATE meta SET value = '99.1' WHERE name = 'written_by'")
    before = contents(data)
    with pytest.raises(StoreError, match=rf"crawld 99\.1 \(layout 99\); this is {project_version()}"):
        async with open_jobs(DaemonConfig(), data, BASE):
            pass
    assert contents(data) == before


async def test_an_older_database_of_a_daemon_is_kept_and_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the next layout will be: no daemon of another one was released."""
    data = unpacked("daemon-1", tmp_path)
    old = (data / "daemon.sqlite").read_bytes()
    monkeypatch.setattr(store, "VERSION", store.VERSION + 1)
    monkeypatch.setattr(store, "UPGRADES", {**store.UPGRADES, store.VERSION - 1: "CREATE TABLE colour (name TEXT)"})
    async with open_jobs(DaemonConfig(), data, BASE) as jobs:
        assert len(jobs.list()) == 2
    with closing(sqlite3.connect(data / "daemon.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM colour").fetchone() == (0,)
    assert layout_of(data / "daemon.sqlite") == store.VERSION
    assert layouts.name_copy(data / "daemon.sqlite", 1).read_bytes() == old
