"""Folders and settings of other accounts are not obeyed, and no secret is kept where others can write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from crawler import Config, Trust, open_crawl
from crawler.daemon import DaemonConfig, load_daemon, open_jobs, tokens
from crawler.daemon.client import find_daemon
from crawler.errors import ConfigError, FolderError
from crawler.folder.folder import open_folder, read_folder
from crawler.folder.repair import repair_folder
from crawler.runtime import ownership as trust
from crawler.runtime import private_files as private
from crawler.runtime.ownership import can_others_write, check_owner, check_writers, is_own
from crawler.settings.loading import load

ME, BOB, OURS, STAFF = 1000, 4711, 1000, 20
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other accounts")
SECRET = load(settings={"headers": {"X-Api-Key": "s3cret"}})
FOREIGN = Trust(foreign=True)
OPEN = Trust(open=True)


def status(mode: int, uid: int = ME, gid: int = OURS) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(("uid", "expected"), [(ME, True), (0, True), (BOB, False)])
def test_what_belongs_to_us_or_to_the_system_is_obeyed(uid: int, expected: bool) -> None:
    assert is_own(status(stat.S_IFREG | 0o644, uid), ME) is expected


@pytest.mark.parametrize(
    ("mode", "gid", "expected"),
    [
        (0o755, STAFF, False),
        (0o775, STAFF, True),
        (0o775, OURS, False),
        (0o775, 0, False),
        (0o757, OURS, True),
        (0o1777, OURS, True),
        (0o700, STAFF, False),
    ],
)
def test_a_group_of_our_own_is_nobody_else(mode: int, gid: int, expected: bool) -> None:
    assert can_others_write(status(stat.S_IFDIR | mode, gid=gid), ME, OURS) is expected


def test_a_folder_that_others_can_write_keeps_no_secret_unless_it_may(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(trust.Open, match=r"can be written by others \(mode 0777\).*--open-folder"):
        check_writers(tmp_path, holds_secrets=True)
    for said in (check_writers(tmp_path, OPEN, holds_secrets=True), check_writers(tmp_path, holds_secrets=False)):
        assert said == f"{tmp_path} can be written by others (mode 0777): they can change what is crawled"
    tmp_path.chmod(0o755)
    assert check_writers(tmp_path, holds_secrets=True) is None


def test_a_crawl_says_so_and_with_secrets_it_refuses(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with open_folder(tmp_path, Config()) as folder:
        assert folder.remarks == (f"{tmp_path} can be written by others (mode 0777): they can change what is crawled",)
    with pytest.raises(FolderError, match="will hold secrets"):
        with open_folder(tmp_path, SECRET):
            pass
    assert "s3cret" not in (tmp_path / "crawl.toml").read_text()
    with open_folder(tmp_path, SECRET, trust=OPEN) as folder:
        assert len(folder.remarks) == 1


def test_files_of_an_older_version_are_closed_to_others_and_said_once(tmp_path: Path) -> None:
    with open_folder(tmp_path / "own", Config()) as folder:
        places = [folder.frontier_path, folder.log_path, folder.path / "pages.jsonl", folder.path / "crawl.log.1"]
        others = folder.path / "notes.txt"
    for place in (*places, others):
        place.touch()
        place.chmod(0o644)
    (tmp_path / "own" / "lock").chmod(0o640)
    with open_folder(tmp_path / "own", Config(), trust=OPEN) as folder:
        assert {stat.S_IMODE(place.stat().st_mode) for place in places} == {0o644}
        assert folder.remarks == ()
    (folder.path / "pages.jsonl").unlink()
    (folder.path / "pages.jsonl").touch(0o644)
    with open_folder(tmp_path / "own", Config()) as folder:
        assert folder.remarks[0].startswith("5 files could be read by others and are closed to them now")
        assert {stat.S_IMODE(place.stat().st_mode) for place in places} == {0o600}
        assert stat.S_IMODE(others.stat().st_mode) == 0o644, "it is the user's"
    with open_folder(tmp_path / "own", Config()) as folder:
        assert folder.remarks == ()


async def test_a_data_folder_that_was_there_before_is_closed_to_others_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o755)
    for count in (0, 1, 1):
        async with open_jobs(DaemonConfig(), tmp_path, load(settings={"executor": "inline"})):
            assert caplog.text.count("could be read by others; they are private now") == count
            others = [path for path in tmp_path.rglob("*") if path.stat().st_mode & 0o077]
            assert others == []
        if not count:
            for path in (tmp_path / "daemon.sqlite", tmp_path / "lock", tmp_path / "crawls"):
                path.chmod(0o755 if path.is_dir() else 0o644)
    tmp_path.chmod(0o777)
    with pytest.raises(FolderError, match="can be written by others"):
        async with open_jobs(DaemonConfig(), tmp_path):
            pass
    async with open_jobs(DaemonConfig(open_folder=True), tmp_path, load(settings={"executor": "inline"})):
        assert "they can change what is crawled" in caplog.text


# -- other accounts ----------------------------------------------------------------------------------------------------


def _foreign(path: Path) -> None:
    os.lchown(path, BOB, BOB)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A crawl folder."""
    with open_folder(tmp_path / "home.crawl", Config()):
        return tmp_path / "home.crawl"


@AS_ROOT
@pytest.mark.parametrize("theirs", ["", "crawl.toml", "lock", "frontier.sqlite-wal", "anything"])
async def test_a_folder_of_somebody_else_is_refused_by_its_name(home: Path, theirs: str) -> None:
    if not (home / theirs).is_dir():
        (home / theirs).touch()
    _foreign(home / theirs)
    words = f"{home / theirs} belongs to uid {BOB}, so it is not used: .*--trust-folder"
    with pytest.raises(FolderError, match=words):
        async with open_crawl(folder=home):
            pass
    with pytest.raises(FolderError, match=words):
        read_folder(home, Config())
    with pytest.raises(FolderError, match=words):
        repair_folder(home)
    with pytest.raises(FolderError, match=words):
        with open_folder(home, Config(), fresh=True):
            pass
    assert read_folder(home, Config(), trust=FOREIGN).path == home
    async with open_crawl(folder=home, trust=FOREIGN, executor="inline") as crawl:
        assert crawl.folder is not None


@AS_ROOT
def test_the_name_of_a_foreign_file_forges_no_line(home: Path) -> None:
    (home / "x\ncrawl: all is well\udcff").touch()
    _foreign(home / "x\ncrawl: all is well\udcff")
    with pytest.raises(FolderError, match="belongs to") as caught:
        with open_folder(home, Config()):
            pass
    assert r"x\ncrawl: all is well\udcff belongs to" in str(caught.value)


@AS_ROOT
def test_a_link_of_somebody_else_is_refused_and_one_of_ours_is_followed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(home)
    with open_folder(tmp_path / "link", Config()):
        pass
    _foreign(tmp_path / "link")
    with pytest.raises(FolderError, match=f"link belongs to uid {BOB}"):
        with open_folder(tmp_path / "link", Config()):
            pass


@AS_ROOT
def test_settings_of_somebody_else_are_refused_by_their_name(tmp_path: Path) -> None:
    file, link = tmp_path / "theirs.toml", tmp_path / "link.toml"
    file.write_text("[politeness]\ndelay_s = 7\n[daemon]\nport = 4711\n")
    link.symlink_to(file)
    _foreign(file)
    for path in (file, link):
        with pytest.raises(ConfigError, match=f"{path} belongs to uid {BOB}, .*--trust-folder"):
            load(path)
        with pytest.raises(ConfigError, match=f"{path} belongs to uid {BOB}"):
            load_daemon(path)
    assert load(file, trust=FOREIGN).politeness.delay_s == 7
    assert load_daemon(file, trust=FOREIGN)[0].port == 4711
    os.chown(file, 0, 0)
    _foreign(link)
    assert load(file).politeness.delay_s == 7
    with pytest.raises(ConfigError, match=f"{link} belongs to"):
        load(link)


@AS_ROOT
def test_a_token_of_somebody_else_is_no_secret(tmp_path: Path) -> None:
    tokens.read_or_make(tmp_path / "token")
    _foreign(tmp_path / "token")
    with pytest.raises(ConfigError, match=f"token belongs to uid {BOB}"):
        tokens.read_or_make(tmp_path / "token")
    assert tokens.read_or_make(tmp_path / "token", trust=FOREIGN) == (tmp_path / "token").read_text().strip()


@AS_ROOT
def test_a_daemon_that_only_happens_to_lie_here_is_not_spoken_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crawld-data").mkdir()
    (tmp_path / "crawld-data" / "address").write_text("http://127.0.0.1:4711\n")
    _foreign(tmp_path / "crawld-data" / "address")
    with pytest.raises(ConfigError, match=f"address belongs to uid {BOB}"):
        find_daemon(DaemonConfig())
    assert find_daemon(DaemonConfig(data="crawld-data")) == ("http://127.0.0.1:4711", None), "it was named"


def test_our_own_may_be_asked_of_without_being_root(tmp_path: Path) -> None:
    check_owner(tmp_path)
    assert private.make_folder(tmp_path / "new")
    check_owner(tmp_path / "new")
