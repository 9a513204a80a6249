"""What our own processes say to each other is nobody else's business."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver
from pathlib import Path

import pytest

from crawler.offload import open_offloader
from crawler.offload.process import start_fork_server
from tests.defaults import make_workers


async def test_the_socket_of_the_fork_server_is_nobody_else_s() -> None:
    async with open_offloader(make_workers(count=1)) as pool:
        assert await pool.run(os.getpid) != os.getpid()
        address = vars(forkserver)["_forkserver"]._forkserver_address
        if not isinstance(address, str) or address.startswith("\0"):
            pytest.skip("this platform's fork server has no socket in a folder")
        folder = Path(address).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == os.getuid()


def test_nothing_that_lies_in_the_working_folder_is_imported(tmp_path: Path) -> None:
    """A folder of somebody's downloads is where lists of seeds lie, too."""
    for name in ("tempfile", "orjson", "crawler", "signal"):
        (tmp_path / f"{name}.py").write_text("open('planted', 'w')")
    script = "import asyncio, os, crawler; from crawler.offload import Workers, open_offloader\n" + (
        "async def main():\n"
        "    workers = Workers('process', 1, 1024, 16, 10.0, 96 << 20)\n"
        "    async with open_offloader(workers) as pool:\n"
        "        assert await pool.run(os.getpid) != os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "program.py").write_text(script)
    ran = subprocess.run(
        [sys.executable, "bin/program.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (tmp_path / "planted").exists()


def test_pools_that_start_at_once_leave_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fork server is started with is the whole process's while it lasts, and workers are started in threads."""
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with ThreadPoolExecutor(8) as threads:
        for started in [threads.submit(start_fork_server) for _ in range(800)]:
            started.result()
    assert "PYTHONSAFEPATH" not in os.environ
