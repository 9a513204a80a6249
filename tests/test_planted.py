"""Links, pipes and devices planted among our files: nothing is written through them, and the error names the path."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crawler import Config, open_crawl
from crawler.daemon import DaemonConfig, WrongState, open_jobs
from crawler.daemon.http.sockets import _unix_socket
from crawler.daemon.jobs import spool
from crawler.daemon.jobs.folders import Folders
from crawler.daemon.runs import records
from crawler.errors import ConfigError, FolderError, FrontierError, SinkError
from crawler.fetch import Guard
from crawler.folder.folder import open_folder
from crawler.folder.repair import repair_folder
from crawler.frontier import look
from crawler.records import ALL
from crawler.runtime.log_format import LogFile
from crawler.seeds import BadSeed
from crawler.settings.loading import load
from crawler.sinks import JsonLines
from crawler.sinks.jsonl import JsonLinesReader

NOTES = "what its owner wrote\n"
INLINE = load(settings={"executor": "inline"})
CRAWLS = (
    "lock", "crawl.toml", "crawl.toml.new", "frontier.sqlite", "frontier.sqlite-wal", "frontier.sqlite-shm",
    "frontier.sqlite-journal", "frontier.sqlite.new", "pages.jsonl", "crawl.log", "crawl.log.1", "bad-seeds.txt",
)  # fmt: skip
DAEMONS = ("lock", "daemon.sqlite", "daemon.sqlite-wal", "daemon.sqlite-shm", "daemon.sqlite-journal", "address",
           "address.new", "crawls", "coming", "going")  # fmt: skip

Plant = Callable[[Path], None]


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    """A file that is left as it is, and so is what lies beside it."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "notes").write_text(NOTES)
    yield folder / "notes"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"notes": NOTES}


@pytest.fixture(params=["link", "dangling", "pipe", "device"])
def plant(request: pytest.FixtureRequest, notes: Path) -> Plant:
    """Puts something in the place of a file."""

    def planted(place: Path) -> None:
        place.unlink(missing_ok=True)
        match request.param:
            case "link":
                place.symlink_to(notes)
            case "dangling":
                place.symlink_to(notes.with_name("made"))
            case "pipe":
                os.mkfifo(place)
            case "device":
                place.symlink_to("/dev/null")

    return planted


@pytest.mark.parametrize("name", CRAWLS)
async def test_a_crawl_names_what_was_planted_in_its_folder(tmp_path: Path, plant: Plant, name: str) -> None:
    home = tmp_path / "home.crawl"
    with open_folder(home, INLINE):
        pass
    plant(home / name)
    with pytest.raises(FolderError, match=f"{home / name} is a .*: remove it") as caught:
        async with open_crawl(INLINE, folder=home):
            pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", DAEMONS)
async def test_a_daemon_names_what_was_planted_in_its_folder(tmp_path: Path, plant: Plant, name: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    plant(data / name)
    with pytest.raises(FolderError, match=f"{data / name} is a .*: remove it"):
        async with open_jobs(DaemonConfig(), data, INLINE):
            pass


async def test_what_is_planted_while_a_crawl_runs_is_not_written(tmp_path: Path, plant: Plant) -> None:
    sink = JsonLines(tmp_path / "pages.jsonl")
    await sink.rewind(None)
    plant(tmp_path / "pages.jsonl")
    with pytest.raises(SinkError, match=r"pages\.jsonl is a"):
        await sink.write([])
    plant(tmp_path / "crawl.log")
    with pytest.raises(OSError, match=r"crawl\.log is a"):
        LogFile(tmp_path / "crawl.log")
    with open_folder(tmp_path / "home", Config()) as folder:
        plant(tmp_path / "home" / "crawl.toml.new")
        with pytest.raises(FolderError, match=r"crawl\.toml\.new is a"):
            folder.keep(load(settings={"delay_s": 9}))


def test_a_frontier_that_was_planted_is_neither_looked_at_nor_repaired(tmp_path: Path, plant: Plant) -> None:
    home = tmp_path / "home"
    with open_folder(home, Config()):
        plant(home / "frontier.sqlite")
    with pytest.raises(FrontierError, match=r"frontier\.sqlite is a"):
        look(home / "frontier.sqlite", lambda opened: opened.queued())
    with pytest.raises(FolderError, match=r"frontier\.sqlite is a"):
        repair_folder(home)


def test_what_a_job_keeps_is_not_written_through_links(tmp_path: Path, plant: Plant, notes: Path) -> None:
    job = tmp_path / "job"
    job.mkdir()
    plant(job / "bad-seeds.txt")
    with pytest.raises(FolderError, match=r"bad-seeds\.txt is a"):
        spool.BadLines(job, 0, 0)
    (job / "bad-seeds.txt").unlink()
    bad = spool.BadLines(job, 0, 0)
    plant(job / "bad-seeds.txt")
    with pytest.raises(FolderError, match=r"bad-seeds\.txt is a"):
        bad(BadSeed("seeds/0001.txt", 1, "no URL", "nothing"))
    plant(tmp_path / "upload")
    with pytest.raises(OSError, match="upload is a"):
        spool.Upload(tmp_path / "upload", Guard(()), 10)
    with pytest.raises(FolderError, match="upload is a"):
        list(spool.read(tmp_path / "upload", bad))
    (job / "seeds").symlink_to(notes.parent)
    with pytest.raises(OSError, match="seeds is a symbolic link"):
        spool.settle(tmp_path / "upload", job, 1)


def test_records_are_not_read_through_links(tmp_path: Path, plant: Plant) -> None:
    plant(tmp_path / "pages.jsonl")
    path = tmp_path / "pages.jsonl"
    reader = JsonLinesReader(path)
    for read in (
        lambda: reader.read(0, 10, ALL, 1 << 20),
        lambda: list(reader.find_links(0, 10)),
        lambda: records.Failures().update(reader),
        lambda: reader.start_of_last(1, ALL, 1 << 20) if path.exists() and reader.end() else reader.read(0, 1, ALL, 1),
    ):
        with pytest.raises(WrongState, match=r"pages\.jsonl is a"), records.readable():
            read()


def test_what_is_removed_with_a_job_is_not_behind_a_link(tmp_path: Path, notes: Path) -> None:
    folders = Folders(tmp_path / "data")
    for folder in ("coming", "going"):
        (tmp_path / "data" / folder / "planted").symlink_to(notes.parent)
    folders.tidy([])
    folders.forget("planted")
    folders.discard_prepared("planted")


def test_a_file_is_no_stale_socket(tmp_path: Path, plant: Plant, notes: Path) -> None:
    plant(tmp_path / "socket")
    for path in (tmp_path / "socket", notes):
        with pytest.raises(ConfigError, match=f"{path} exists already and is not a socket"):
            _unix_socket(str(path))
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(tmp_path / "stale"))
    _unix_socket(str(tmp_path / "stale")).close()


def test_a_second_name_is_not_written_where_others_could_have_made_it(tmp_path: Path, notes: Path) -> None:
    home = tmp_path / "home.crawl"
    with open_folder(home, Config()):
        os.link(notes, home / "bad-seeds.txt")
    with open_folder(home, Config()):
        pass
    home.chmod(0o777)
    with pytest.raises(FolderError, match=r"bad-seeds\.txt is another name of some file"):
        with open_folder(home, Config()):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other accounts")
async def test_another_name_of_somebody_else_s_file_is_not_written(tmp_path: Path, notes: Path) -> None:
    home = tmp_path / "home.crawl"
    with open_folder(home, INLINE):
        pass
    os.link(notes, home / "bad-seeds.txt")
    os.chown(notes, 4711, 4711)
    with pytest.raises(FolderError, match=r"bad-seeds\.txt belongs to uid 4711"):
        async with open_crawl(INLINE, folder=home):
            pass
    with pytest.raises(FolderError, match=r"bad-seeds\.txt is another name of a file that belongs to uid 4711"):
        spool.BadLines(home, 0, 0)
