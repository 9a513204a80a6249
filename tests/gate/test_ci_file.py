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


def ci_lines() -> list[str]:
    [text] = re.findall(r"```yaml\n(# \.github.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    return re.findall(r"^ *- run: (crawl .*)$", text, re.MULTILINE)


@pytest.mark.long
async def test_the_ci_file_passes_what_is_known_and_fails_on_a_link_that_broke(tmp_path: Path) -> None:
    [line] = ci_lines()
    pages = {"/": html("Home", ["/a", "/gone"]), "/a": html("A", ["/"]), "/gone": error(404)}
    async with open_web(Web([Site("a.test", pages)])) as served:
        site = served.url("a.test")
        line = line.replace("https://example.org/", site)
        assert (await run(f"{line.split(' --cache')[0]} --update-baseline --repeat 0", tmp_path)).returncode == 0
        assert (await run(line, tmp_path)).returncode == 0
    async with open_web(Web([Site("a.test", {**pages, "/a": html("A", ["/", "/broken"])})])) as served:
        ran = await run(line.replace(site, served.url("a.test")) + " --pause 0s", tmp_path)
    assert ran.returncode == 6
    assert "/broken" in ran.stdout.decode()
    assert (tmp_path / "check.sarif").is_file()


async def run(line: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return await anyio.run_process(line, cwd=folder, check=False, env={**os.environ, **SETTINGS, "PATH": path})
