"""Ctrl-C while the command starts: one line and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from crawler.testing import Served

from .conftest import ALLOWED, CRAWL

INSTANTS = ("typer", "pydantic", "crawler.settings", "aiohttp")
"""Modules that `crawl URL` imports, in this order. The signal comes once Python says that it has imported one."""


def _interrupt(tmp_path: Path, after: str, *arguments: str, is_ignored: bool = False) -> tuple[int, str]:
    """Runs the command, interrupts it once a module is imported, and returns its code and words."""
    ignores = ["sh", "-c", 'trap \'\' INT; exec "$0" "$@"'] if is_ignored else []
    command = [*ignores, CRAWL, *arguments]
    env = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rpartition("|")[2].strip() == after:
                process.send_signal(signal.SIGINT)
                break
        said = [line for line in process.stderr if not line.startswith("import time:")]
    return process.returncode, "".join(said)


@pytest.mark.parametrize("after", INSTANTS)
def test_ctrl_c_while_the_command_starts_is_one_line(tmp_path: Path, web: Served, after: str) -> None:
    assert _interrupt(tmp_path, after, web.url("a.test"), *ALLOWED) == (130, "crawl: interrupted\n")
    assert not list(tmp_path.glob("*.crawl"))


@pytest.mark.parametrize("words", [("config", "show"), ("explain", "http://127.0.0.1:9/", "--offline")])
def test_ctrl_c_is_one_line_in_other_commands_too(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert _interrupt(tmp_path, "crawler.settings", *words) == (130, "crawl: interrupted\n")


def test_an_ignored_ctrl_c_stays_ignored(tmp_path: Path) -> None:
    """As with nohup, and for background jobs of a script."""
    code, said = _interrupt(tmp_path, "crawler.settings", "config", "show", is_ignored=True)
    assert (code, said) == (0, "")
