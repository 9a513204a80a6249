"""What the README shows first is run: its programs as a newcomer would run them, against a web on loopback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from crawler.testing import link_graph, open_web

ROOT = Path(__file__).parent.parent
CONSOLES = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
SHOWN = [
    text
    for name in ("README.md", "docs/embedding.md")
    for text in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
]
PROGRAMS = [text for text in SHOWN if "__main__" in text and '"https://example.org/"' in text]
"""The others live inside other programs: tests/test_embedding.py."""
LOOPBACK = 'max_depth=2, delay_s=0.0, allow_networks=["127.0.0.0/8"]'
"""Added where a program names a setting: the web it is meant for is not at hand."""

UNTIL_THEN = """while sum(crawl.snapshot().counts.settled.values()) < 10:
                await anyio.sleep(0.05)"""
"""For two seconds, which on a busy machine bring nothing. The counts of the folder stay when the run is over."""


def test_the_readme_has_programs() -> None:
    assert len(PROGRAMS) >= 3


@pytest.mark.parametrize(
    ("said", "document", "measured"),
    [
        ("858 to 940 pages a second", "benchmarks.md", "| 2,000 | 858-940 |"),
        ("7.9 times those of Scrapy", "benchmarks.md", "**7.9 times** Scrapy's pages/s at 2,000 pages"),
        ("3.7 times those of Scrapy", "benchmarks.md", "at 2,000 pages we were 3.7 times as fast"),
        ("killed at 160 random instants", "reliability.md", "160 deaths: nothing lost, twice or torn"),
        ("hostile servers, 669 kinds", "reliability.md", "| 669 of 669 |"),
    ],
)
def test_a_figure_of_the_readme_is_one_that_was_measured(said: str, document: str, measured: str) -> None:
    assert said in (ROOT / "README.md").read_text()
    assert measured in (ROOT / "docs" / document).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda text: re.findall(r"crawler\.(\w+)\(", text)[0])
async def test_a_program_of_the_readme_runs(program: str, tmp_path: Path) -> None:
    async with open_web(link_graph(seed=1, sites=1, pages_per_site=12, links_per_page=5)) as served:
        script = tmp_path / "program.py"
        text = program.replace("https://example.org/", served.seeds[0]).replace("max_depth=2", LOOPBACK)
        script.write_text(text.replace("await anyio.sleep(2)", UNTIL_THEN))
        with anyio.fail_after(60):
            ran = await anyio.run_process(
                [sys.executable, "-W", "error", script.name], cwd=tmp_path, check=False, stderr=subprocess.STDOUT
            )
        assert ran.returncode == 0, ran.stdout.decode()
        assert ran.stdout.strip()
        assert len(served.counts(robots=False)) >= 10


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="its lines use curl")
def test_the_story_of_the_daemon_comes_to_its_end(tmp_path: Path) -> None:
    """Its lines as a shell takes them, on ports that are free here."""
    [story] = [console for console in CONSOLES if "kill -9 $(cat crawld-data/lock)" in console]
    lines = [line.removeprefix("$ ").partition("  #")[0] for line in story.splitlines()]
    script = "\n".join(["set -e", *lines]).replace(":7878", f":{free_port()}").replace("8471", str(free_port()))
    port = re.findall(r"127\.0\.0\.1:(\d+)/readyz", script)[0]
    script = script.replace("crawl serve", f"crawl serve --port {port}")
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (tmp_path / "out").open("wb") as out:
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, stdout=out, stderr=out, env=environ, start_new_session=True
        )
        try:
            code = shell.wait(180)
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
    said = (tmp_path / "out").read_text()
    assert code == 0, said
    assert '"state":"paused"' in said
    assert "completed: exhausted" in said
    assert re.search(r'"state":"completed".*"pages":\d{3}', said.splitlines()[-1]), said[-2000:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
