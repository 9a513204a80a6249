"""What a command loads before it does its work, and how it ends: counts, since times differ from machine to machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from crawler.testing import Served
from tests.cli.conftest import ALLOWED, CRAWL

pytestmark = pytest.mark.slow

UNUSED = {
    "rich": "draws nothing",
    "turbohtml": "reads pages, in workers",
    "crawler.parse.page": "likewise",
    "crawler.daemon": "many crawls",
    "prometheus_client": "shows figures of a daemon",
    "opentelemetry": "is switched off",
}
"""Modules that a crawl of one page does not use, and what they are for."""
LISTING = "import atexit, sys, crawler.cli as cli; atexit.register(lambda: print(*sys.modules)); cli.main()"


@pytest.mark.parametrize("executor", ["process", "inline"])
async def test_a_crawl_of_one_page_loads_nothing_that_it_does_not_use(
    web: Served, tmp_path: Path, executor: str
) -> None:
    unused = UNUSED.keys() - ({"turbohtml", "crawler.parse.page"} if executor == "inline" else set())
    arguments = [web.seeds[0], "-o", str(tmp_path / "out"), "--depth", "0", *ALLOWED]
    settings = ["--set", f"offload.executor={executor}", "--set", "offload.inline_below_bytes=0"]
    done = await anyio.run_process([sys.executable, "-c", LISTING, *arguments, *settings], check=True)
    loaded = set(done.stdout.decode().split())
    assert "crawler.engine.engine" in loaded
    assert unused & loaded == set()
    assert len(loaded) < 1200


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["--version"], 0, "crawld ", ""),
        (["explain"], 2, "", "crawl: missing argument"),
        (["no-such-list.txt"], 2, "", "crawl: no-such-list.txt"),
    ],
)
def test_a_command_that_ends_at_once_says_all_and_returns_its_code(
    arguments: list[str], code: int, out: str, err: str
) -> None:
    done = subprocess.run([CRAWL, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout[: len(out)], done.stderr[: len(err)]) == (code, out, err)
    assert bool(done.stdout) == bool(out)


def test_what_others_want_done_at_the_end_is_done() -> None:
    """Functions that were registered before the command starts are called, and so are those of what it imports."""
    before = "import atexit; atexit.register(print, 'early')\n"
    program = "import sys; from crawler.cli import main; sys.argv = ['crawl', '--version']; import atexit\n"
    for begin, said in (("", ["late"]), (before, ["late", "early"])):
        later = "atexit.register(print, 'late')\ntry: main()\nfinally: atexit.register(print, 'latest')"
        ran = subprocess.run(
            [sys.executable, "-c", begin + program + later], capture_output=True, text=True, check=True, timeout=120
        )
        assert ran.stdout.split("\n")[1:-1] == ["latest", *said]


def test_a_standard_output_that_takes_nothing_is_told_as_python_tells_it() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([CRAWL, "--version"], stdout=full, stderr=subprocess.PIPE, check=False, timeout=120)
    assert done.returncode != 0
    assert b"No space left" in done.stderr
