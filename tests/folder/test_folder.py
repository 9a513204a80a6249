"""The crawl folder: found again, held by one, never silently restarted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.errors import ConfigError, FolderError
from crawler.folder.folder import open_folder
from crawler.folder.naming import default_folder_name
from crawler.settings import Config
from crawler.settings.loading import load


def test_a_crawl_finds_its_folder_and_its_settings_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.crawl"
    with open_folder(path, load(settings={"max_depth": 2, "delay_s": 5})) as folder:
        assert folder.is_new
        assert folder.changes == ()
    with open_folder(path, Config()) as folder:
        assert not folder.is_new
        assert folder.changes == ()
        assert (folder.config.scope.max_depth, folder.config.politeness.delay_s) == (2, 5.0)


def test_what_is_chosen_anew_applies_and_is_named(tmp_path: Path) -> None:
    with open_folder(tmp_path / "a", load(settings={"max_depth": 2, "sinks": [{"links": True}]})):
        pass
    chosen = load(settings={"max_depth": 3, "per_site": 4, "sinks": [{"text": True}], "frontier.kind": "memory"})
    with open_folder(tmp_path / "a", chosen) as folder:
        told = {change.key: (change.old, change.new) for change in folder.changes if change.applies}
        assert told == {"scope.max_depth": (2, 3), "politeness.per_site": (1, 4)}
        assert {change.key for change in folder.changes if not change.applies} == {"sinks", "frontier.kind"}
        assert (folder.config.scope.max_depth, folder.config.politeness.per_site) == (3, 4)
        assert folder.config.sinks[0].links
        assert folder.config.frontier.kind == "sqlite"
    with open_folder(tmp_path / "a", Config()) as folder:
        assert folder.config.scope.max_depth == 3


def test_a_pattern_that_is_refused_by_now_is_told_with_how_to_replace_it_and_nothing_is_lost(tmp_path: Path) -> None:
    with open_folder(tmp_path / "a", load(settings={"exclude": ["*.pdf"]})):
        pass
    file = tmp_path / "a" / "crawl.toml"
    file.write_text(file.read_text().replace("*.pdf", "re:^(?!http:)"))
    kept = file.read_bytes()
    told = r"a/crawl\.toml: scope\.exclude: 're:.*' holds a lookahead, .*; --set 'exclude=\[\"PATTERN\"\]' replaces"
    with pytest.raises(ConfigError, match=told), open_folder(tmp_path / "a", load(settings={"include": ["re:a"]})):
        pass
    assert file.read_bytes() == kept
    chosen = load(settings={"exclude": ["re:(?=a)"]})
    with pytest.raises(ConfigError, match=r"^scope\.exclude: 're:\(\?=a\)' holds"), open_folder(tmp_path / "a", chosen):
        pass
    with open_folder(tmp_path / "a", load(settings={"exclude": ["/x/*"]})) as folder:
        assert folder.config.scope.exclude == ("/x/*",)


def test_a_folder_in_use_is_refused_by_the_pid_of_its_user(tmp_path: Path) -> None:
    with open_folder(tmp_path / "a", Config()):
        for fresh in (False, True):
            told = rf"a is in use by pid {os.getpid()}: stop that crawl"
            with pytest.raises(FolderError, match=told), open_folder(tmp_path / "a", Config(), fresh=fresh):
                pass
    with open_folder(tmp_path / "a", Config()):
        pass


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, crawler.settings, crawler.folder.folder\n"
        "with crawler.folder.folder.open_folder(pathlib.Path(sys.argv[1]), crawler.settings.Config()):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(FolderError, match=f"pid {child.pid}:"), open_folder(tmp_path / "a", Config()):
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
        with open_folder(tmp_path / "a", Config()) as folder:
            assert not folder.is_new


def test_what_is_no_crawl_folder_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "photos"
    mine.mkdir()
    (mine / "cat.jpg").write_bytes(b"meow")
    for fresh in (False, True):
        with (
            pytest.raises(FolderError, match="not empty and no crawl folder"),
            open_folder(mine, Config(), fresh=fresh),
        ):
            pass
    assert [entry.name for entry in tmp_path.rglob("*")] == ["photos", "cat.jpg"]
    with (
        pytest.raises(FolderError, match="cannot be a crawl folder: File exists"),
        open_folder(mine / "cat.jpg", Config()),
    ):
        pass


def test_an_empty_folder_and_one_killed_at_birth_are_taken(tmp_path: Path) -> None:
    with open_folder(tmp_path, Config()) as folder:
        assert folder.is_new
    (tmp_path / "crawl.toml").unlink()
    (tmp_path / "crawl.toml.new").write_text("[sco")
    with open_folder(tmp_path, Config()) as folder:
        assert folder.is_new


def test_fresh_sets_the_old_folder_aside(tmp_path: Path) -> None:
    for number in range(3):
        with open_folder(tmp_path / "a.crawl", load(settings={"max_depth": number}), fresh=True) as folder:
            assert folder.is_new
            assert folder.config.scope.max_depth == number
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.crawl", "a.crawl.old-1", "a.crawl.old-2"]
    assert load(tmp_path / "a.crawl.old-2" / "crawl.toml").scope.max_depth == 1


def test_pages_whose_frontier_is_gone_are_not_cut_off(tmp_path: Path) -> None:
    with open_folder(tmp_path, Config()) as folder:
        folder.frontier_path.write_bytes(b"")
        (tmp_path / "pages.jsonl").write_text("{}\n")
    with pytest.raises(FolderError, match=r"frontier\.sqlite is missing or empty, but pages\.jsonl holds pages"):
        open_folder(tmp_path, Config()).__enter__()
    assert (tmp_path / "pages.jsonl").read_text() == "{}\n"


def test_settings_that_were_damaged_are_told_and_kept(tmp_path: Path) -> None:
    with open_folder(tmp_path, Config()):
        pass
    (tmp_path / "crawl.toml").write_text("[scope\n")
    with pytest.raises(ConfigError, match=r"crawl\.toml: not a TOML file"), open_folder(tmp_path, Config()):
        pass
    assert (tmp_path / "crawl.toml").read_text() == "[scope\n"


def test_a_place_that_cannot_be_written_is_told() -> None:
    with pytest.raises(FolderError, match="/proc/a cannot be a crawl folder"), open_folder(Path("/proc/a"), Config()):
        pass


@pytest.mark.parametrize(
    ("seeds", "name"),
    [
        (["urls.txt"], "urls.crawl"),
        (["data/My List.csv.gz"], "My-List.crawl"),
        (["https://user:secret@Example.org/x?y"], "example.org.crawl"),
        (["http://127.0.0.1:8080/"], "127.0.0.1-8080.crawl"),
        (["http://[::1]:80/"], "1-80.crawl"),
        (["example.org/../../etc"], "example.org.crawl"),
        (["-"], "stdin.crawl"),
        (["urls.txt", "example.org"], "urls+example.org.crawl"),
        (["https://a.example/1", "https://a.example/2"], "a.example.crawl"),
        (["https://../"], "seeds.crawl"),
        (["../.hidden.txt"], "hidden.crawl"),
    ],
)
def test_the_same_seeds_have_the_same_folder(seeds: list[str], name: str) -> None:
    assert default_folder_name(seeds) == name


def test_many_seeds_have_a_short_name_of_their_own() -> None:
    many = [f"https://site{number}.example/" for number in range(1000)]
    assert len(default_folder_name(many)) < 80
    assert default_folder_name(many) != default_folder_name(many[:-1])
    assert default_folder_name(many) == default_folder_name(many)
