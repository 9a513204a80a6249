"""What our own processes say to each other is nobody else's business."""

from __future__ import annotations

import os
import stat
from multiprocessing import forkserver
from pathlib import Path

import pytest

from crawler.offload import Workers, open_offloader


async def test_the_socket_of_the_fork_server_is_nobody_else_s() -> None:
    async with open_offloader(Workers(count=1)) as pool:
        assert await pool.run(os.getpid) != os.getpid()
        address = vars(forkserver)["_forkserver"]._forkserver_address
        if not isinstance(address, str) or address.startswith("\0"):
            pytest.skip("this platform's fork server has no socket in a folder")
        folder = Path(address).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == os.getuid()
