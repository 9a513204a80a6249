"""Whatever the umask is, what a command makes can be read by its owner alone; foreign folders are refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from crawler import Config
from crawler.folder.folder import open_folder
from crawler.testing import Served

from .conftest import ALLOWED, Crawl
from .serving import serving

pytestmark = pytest.mark.slow


@pytest.fixture(params=[0o000, 0o022])
def umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """All that others may read or write, the folder itself included."""
    found = []
    for path in (folder, *sorted(folder.rglob("*"))):
        with suppress(FileNotFoundError):  # a draft that has its name by now
            if (mode := stat.S_IMODE(path.lstat().st_mode)) & 0o077:
                found.append(f"{path.relative_to(folder)} {mode:04o}")
    return found


@pytest.mark.long
@pytest.mark.usefixtures("umask")
async def test_all_that_a_crawl_makes_is_its_owners_alone(crawl: Crawl, web: Served, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text(f"{web.url('a.test')}\nno URL at all\n")
    sink = 'sinks=[{path = "pages.jsonl", headers = true}]'
    ran = await crawl("urls.txt", "-o", "new/urls.crawl", "--set", sink, *ALLOWED)
    assert ran.code == 0, ran.err
    mended = await crawl("repair", "new/urls.crawl", "--force")
    assert mended.code == 0, mended.err
    assert (await crawl("config", "init", "new/own.toml")).code == 0
    made = {path.name for path in (tmp_path / "new" / "urls.crawl").iterdir()}
    assert made >= {"bad-seeds.txt", "crawl.log", "crawl.toml", "frontier.sqlite", "lock", "pages.jsonl"}
    assert open_to_others(tmp_path / "new") == []


@pytest.mark.usefixtures("umask")
async def test_all_that_a_daemon_makes_is_its_owners_alone_while_it_runs_and_after(web: Served, tmp_path: Path) -> None:
    async with serving(tmp_path) as daemon:
        status, job = await daemon.ask("POST", "/v1/jobs", {"seeds": [web.url("a.test"), "no URL at all"]})
        assert status == 201, job
        with anyio.fail_after(60):
            while (await daemon.ask("GET", f"/v1/jobs/{job['id']}"))[1]["state"] in ("queued", "running"):
                assert open_to_others(daemon.data) == []
                await anyio.sleep(0.05)
        names = {path.name for path in daemon.data.rglob("*")}
        assert names >= {"daemon.sqlite", "daemon.sqlite-wal", "address", "token", "bad-seeds.txt", "pages.jsonl"}
        assert open_to_others(daemon.data) == []
        assert await daemon.end() == 0
    assert open_to_others(tmp_path / "data") == []


@pytest.mark.long
async def test_a_folder_that_others_can_write_is_named_and_keeps_no_secret(
    crawl: Crawl, web: Served, tmp_path: Path
) -> None:
    for name in ("plain", "secret", "data"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    seed = web.url("a.test")
    ran = await crawl(seed, "-o", "plain", "--depth", "0", *ALLOWED)
    assert (ran.code, "plain can be written by others (mode 0777)" in ran.err) == (0, True)
    ran = await crawl(seed, "-o", "secret", "--set", 'headers={ X-Api-Key = "s3cret" }', *ALLOWED)
    assert (ran.code, ran.err.count("\n"), "chmod go-w secret" in ran.err, "--open-folder" in ran.err) == (
        2, 1, True, True,
    )  # fmt: skip
    ran = await crawl("serve", "--port", "0", "--data", "data")
    assert (ran.code, "data can be written by others (mode 0777)" in ran.err) == (2, True)
    assert [*(tmp_path / "data").iterdir()] == [], "not even a token was made"


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make folders of other accounts")
async def test_what_belongs_to_somebody_else_is_refused_by_every_command(
    crawl: Crawl, web: Served, tmp_path: Path
) -> None:
    seed = web.url("a.test")
    with open_folder(tmp_path / "theirs", Config()):
        pass
    (tmp_path / "theirs.toml").write_text("[fetch]\nverify_tls = false\n")
    for path in ("theirs", "theirs.toml"):
        os.chown(tmp_path / path, 4711, 4711)
    for arguments in (
        ["theirs"],
        [seed, "-o", "new", "-c", "theirs.toml", "--dry-run"],
        ["explain", seed, "-o", "theirs", "--offline"],
        ["repair", "theirs"],
    ):
        ran = await crawl(*arguments)
        assert (ran.code, ran.err.count("\n")) == (2, 1), (arguments, ran)
        assert "belongs to uid 4711, so it is not used" in ran.err
        assert "--trust-folder" in ran.err
    ran = await crawl("config", "show", "-c", "theirs.toml", "--trust-folder")
    assert (ran.code, "verify_tls = false" in ran.out) == (0, True)


async def test_a_planted_link_ends_a_command_with_one_line_and_stays(crawl: Crawl, web: Served, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "a.crawl").mkdir()
    (tmp_path / "a.crawl" / "lock").symlink_to(tmp_path / "notes")
    ran = await crawl(web.url("a.test"), "-o", "a.crawl", *ALLOWED)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "a.crawl/lock is a symbolic link, and nothing is read or written there: remove it" in ran.err
    (tmp_path / "own.toml").symlink_to(tmp_path / "notes")
    ran = await crawl("config", "init", "--force", "own.toml")
    assert (ran.code, "own.toml is a symbolic link" in ran.err) == (2, True)
    assert (tmp_path / "notes").read_text() == "mine"
