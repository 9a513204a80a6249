"""The lines of the CI file in the README do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from crawler.testing import Site, Web, error, html, open_web
from tests.consoles import ROOT

SETTINGS = {
    "CRAWL_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]',
    "CRAWL_OFFLOAD__EXECUTOR": "inline",
    "CRAWL_DELAY_S": "0",
}


def shell_lines() -> list[str]:
    """The lines of the README that check a site, without their comments."""
    lines = re.findall(r"^\$ (crawl check [^#\n]*)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    return [line.strip() for line in lines]


def ci_lines() -> list[str]:
    [text] = re.findall(r"```yaml\n(# \.github.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    return re.findall(r"^ *- run: (crawl .*)$", text, re.MULTILINE)


@pytest.mark.long
async def test_the_readme_passes_what_is_known_and_fails_on_a_link_that_broke(tmp_path: Path) -> None:
    first, further = shell_lines()
    [of_ci] = ci_lines()
    pages = {"/": html("Home", ["/a", "/gone"]), "/a": html("A", ["/"]), "/gone": error(404)}
    async with open_web(Web([Site("a.test", pages)])) as served:
        made = await run(first, served.url("a.test"), tmp_path)
        assert made.returncode == 0, made.stderr
        for line in (further, of_ci):
            assert (await run(line, served.url("a.test"), tmp_path)).returncode == 0
    async with open_web(Web([Site("a.test", {**pages, "/a": html("A", ["/", "/broken"])})])) as served:
        for line in (further, of_ci):
            ran = await run(line, served.url("a.test"), tmp_path)
            assert ran.returncode == 6
            assert "/broken" in ran.stdout.decode()
    assert {path.name for path in tmp_path.iterdir()} == {"check.sarif", "check.xml", "known.json", "others.jsonl"}


async def run(line: str, site: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = f"{line.replace('https://example.org/', site)} --pause 0s"
    return await anyio.run_process(command, cwd=folder, check=False, env={**os.environ, **SETTINGS, "PATH": path})
