"""What a sink's file may be called: nothing that is the crawl's own, that another sink writes, or that is no name."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler import ConfigError
from crawler.folder.folder import open_folder
from crawler.settings import OWN_FILES, Config
from crawler.settings.loading import amend

GOOD = ["pages.jsonl", "a", "Seiten 1.jsonl", "страницы.jsonl", "lock.jsonl", "seeds.jsonl", "x" * 200, "a..b"]
OWN = [
    *sorted(OWN_FILES), "frontier.sqlite-wal", "frontier.sqlite-shm", "frontier.sqlite-journal", "frontier.sqlite.new",
    "frontier.sqlite.damaged-1", "crawl.toml.new", "crawl.log.2", "FRONTIER.SQLITE-WAL", "Lock", "Seeds",
    "crawl.toml.NEW", "frontier.ſqlite-wal", "\uff4c\uff4f\uff43\uff4b",
]  # fmt: skip
NO_NAME = [
    "", ".", "..", " ", "/etc/passwd", "a/b", "../up", "a\\b", ".hidden", "lock.", "lock ", " lock", "a\nb", "a\x00b",
    "a\x1b[2J", "a\u202eb", "x" * 201, "é" * 101,
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_plain_name_is_taken(name: str, tmp_path: Path) -> None:
    with open_folder(tmp_path / "c", amend(Config(), {"sinks": [{"path": name}]})) as folder:
        (folder.path / name).touch()
        assert [sink.path for sink in folder.config.sinks] == [name]


@pytest.mark.parametrize("name", OWN)
def test_no_sink_writes_a_file_of_the_crawls_own(name: str) -> None:
    with pytest.raises(ConfigError, match=r"sinks\.0\.path = .*should not be like .*, which the crawl writes itself"):
        amend(Config(), {"sinks": [{"path": name}]})


@pytest.mark.parametrize("name", NO_NAME, ids=range(len(NO_NAME)))
def test_what_is_no_plain_file_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"sinks\.0\.path = .*should be a plain file name of 1 to 200 bytes"):
        amend(Config(), {"sinks": [{"path": name}]})


@pytest.mark.parametrize("pair", [("a", "a"), ("a.jsonl", "A.JSONL"), ("é", "e\u0301"), ("ﬁ", "fi")])
def test_two_sinks_never_write_the_same_file(pair: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match="two sinks should not write the same file"):
        amend(Config(), {"sinks": [{"path": name} for name in pair]})


def test_there_are_not_more_sinks_than_a_crawl_can_have_open() -> None:
    amend(Config(), {"sinks": [{"path": f"{n}"} for n in range(16)]})
    with pytest.raises(ConfigError, match="16 at most"):
        amend(Config(), {"sinks": [{"path": f"{n}"} for n in range(17)]})


def test_a_folder_without_outputs_stays_without(tmp_path: Path) -> None:
    """An empty list was not written down, so that the folder had the usual output when it was opened again."""
    with open_folder(tmp_path / "c", amend(Config(), {"sinks": [], "contact": "a@b.test", "delay_s": 3})):
        pass
    with open_folder(tmp_path / "c", Config()) as folder:
        assert (folder.config.sinks, folder.config.contact, folder.outputs) == ((), "a@b.test", ())
