"""What docs/rendering.md and the README show is run, on a site made by scripts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from os import environ
from pathlib import Path

import anyio
import pytest

from crawler.testing import Site, Web, open_web, written

from .webs import SHELL, needs_chromium, script

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = ["docs/rendering.md", "README.md"]
APP = """
document.title = 'Shop';
document.getElementById('root').innerHTML = '<a href="/about">About us</a><a href="/">Home</a>';
"""


def shop() -> Web:
    words = " ".join(["word"] * 100)
    about = f"<!doctype html><title>About us</title><p>{words}</p><a href='/'>Home</a><script src=/app.js></script>"
    return Web([Site("shop.test", {"/": written(SHELL), "/about": written(about), "/app.js": script(APP)})])


@pytest.mark.long
@pytest.mark.slow
@needs_chromium
@pytest.mark.skipif(not all(map(shutil.which, ("bash", "jq"))), reason="its lines use bash and jq")
@pytest.mark.parametrize("document", DOCUMENTS)
async def test_the_lines_of_a_document_show_what_happens(document: str, tmp_path: Path) -> None:
    consoles = re.findall(r"```console\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    [console] = [text for text in consoles if "https://shop.example/ --render auto" in text]
    async with open_web(shop()) as served:
        home = served.url("shop.test", "/")
        folder = home.removeprefix("http://").rstrip("/").replace(":", "-") + ".crawl"
        placed = console.replace("shop.example.crawl", folder).replace("https://shop.example/", home)
        lines = [line.removeprefix("$ ") for line in placed.splitlines() if line.startswith("$ ")]
        shown = [line for line in placed.splitlines() if not line.startswith("$ ")]
        settings = {"CRAWL_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]', "CRAWL_DELAY_S": "0.1"}
        path = f"{Path(sys.executable).parent}:{environ['PATH']}"
        with anyio.fail_after(90):
            ran = await anyio.run_process(
                ["bash", "-c", "\n".join(["set -e", *lines])],
                cwd=tmp_path, env={**environ, **settings, "PATH": path}, check=False, stderr=subprocess.STDOUT,
            )  # fmt: skip
    told = ran.stdout.decode()
    assert ran.returncode == 0, told
    assert "empty-mount" in told
    for line in shown:
        assert line in told
