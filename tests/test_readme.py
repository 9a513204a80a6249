"""What the README shows is run: its programs as a newcomer would run them, against a web on loopback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from crawler.testing import link_graph, open_web

ROOT = Path(__file__).parent.parent
PROGRAMS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
LOOPBACK = 'max_depth=2, delay_s=0.0, allow_networks=["127.0.0.0/8"]'
"""Added where a program names a setting: the web it is meant for is not at hand."""


def test_the_readme_has_programs() -> None:
    assert len(PROGRAMS) >= 3


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda text: re.findall(r"crawler\.(\w+)\(", text)[0])
async def test_a_program_of_the_readme_runs(program: str, tmp_path: Path) -> None:
    async with open_web(link_graph(seed=1, sites=1, pages_per_site=12, links_per_page=5)) as served:
        script = tmp_path / "program.py"
        script.write_text(program.replace("https://example.org/", served.seeds[0]).replace("max_depth=2", LOOPBACK))
        with anyio.fail_after(60):
            ran = await anyio.run_process(
                [sys.executable, "-W", "error", script.name], cwd=tmp_path, check=False, stderr=subprocess.STDOUT
            )
        assert ran.returncode == 0, ran.stdout.decode()
        assert ran.stdout.strip()
        assert len(served.counts(robots=False)) >= 10
