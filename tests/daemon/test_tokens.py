"""Secrets in files: made once, by whoever comes first, for their owner alone."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crawler.daemon import tokens
from crawler.errors import ConfigError


def test_many_who_come_at_once_get_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(tokens.read_or_make, [path] * 32))
    assert len(made) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["token"]


def test_one_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("  a-token-of-mine-1234  \n")
    path.chmod(0o400)
    assert tokens.read_or_make(path) == "a-token-of-mine-1234"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_one_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    path.write_text("a-token-of-mine-1234")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        tokens.read_or_make(path)
    assert path.read_text() == "a-token-of-mine-1234"


@pytest.mark.parametrize("text", ["", "short", "two words that are long enough", "tök" * 10, "x" * 5000, "line\n" * 9])
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no token"):
        tokens.read_or_make(path)


def test_a_folder_is_no_token(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        tokens.read_or_make(tmp_path)
