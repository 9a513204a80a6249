"""The fake web beside a shell on a terminal, as a person starts it."""

from __future__ import annotations

import os
import pty
import re
import shutil
import sys
from pathlib import Path

import aiohttp
import anyio
import pytest


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bash"), reason="it takes a shell with job control")
async def test_a_web_in_the_background_serves_on_while_somebody_types(
    client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    shell, terminal = pty.fork()
    if shell == 0:
        os.chdir(tmp_path)
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    try:
        os.write(terminal, f"{sys.executable} -m crawler.testing --sites 1 --pages 2 > seeds.txt &\n".encode())
        with anyio.fail_after(30):
            while not (seeds := tmp_path / "seeds.txt").exists() or not seeds.read_text().endswith("\n\n"):
                await anyio.sleep(0.02)
            os.write(terminal, b"echo typed-$((40 + 2))\n")
            said = b""
            while b"typed-42" not in said:
                said += await anyio.to_thread.run_sync(os.read, terminal, 4096)
            async with client.get(seeds.read_text().split()[0]) as response:
                assert response.status == 200
    finally:
        os.write(terminal, b"kill -CONT %1; kill %1; exit\nexit\n")
        await anyio.to_thread.run_sync(os.waitpid, shell, 0)
        os.close(terminal)
    assert not re.search(rb"Stopped|suspended", said)
