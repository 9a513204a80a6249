"""pywb on loopback replays captures, which are compared with what the site sent."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, create_server

from tests.archive_check.crawling import Archived
from tests.archive_check.tools import Tools

STARTS_S = 240
"""Seconds in which it should listen."""
_CONFIG = """
collections:
  c:
    index_paths: ./indexes/
    archive_paths: ./archive/
framed_replay: false
debug: false
"""


class Pywb:
    """A running pywb over some WARC files and an index."""

    def __init__(self, port: int) -> None:
        self._port = port

    def place(self, stamp: str, url: str) -> str:
        """Returns where a browser is shown a capture as a page, without a frame around it."""
        return f"http://127.0.0.1:{self._port}/c/{stamp}mp_/{url}"

    def fetch(self, stamp: str, url: str) -> tuple[int, bytes, dict[str, str]]:
        """Returns status, body and fields of a capture, as it was stored. Raises HTTPException, OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.putrequest("GET", f"/c/{stamp}id_/{url}", skip_accept_encoding=True)
            connection.putheader("Accept-Encoding", "gzip, deflate, br, zstd")
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()


@contextmanager
def serve(tools: Tools, folder: Path, crawls: Iterable[Archived]) -> Iterator[Pywb]:
    """Runs pywb over the archives of crawls, in `folder`, until the block ends."""
    program = tools.find("pywb", "wayback")
    (folder / "config.yaml").write_text(_CONFIG)
    for name in ("indexes", "archive"):
        (folder / name).mkdir()
    for crawl in crawls:
        (folder / "indexes" / crawl.index.name).symlink_to(crawl.index)
        for path in crawl.archives:
            (folder / "archive" / path.name).symlink_to(path)
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "pywb.log").open("wb") as log:
        command = [program, "-b", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(process, port, folder / "pywb.log")
            yield Pywb(port)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until and process.poll() is None:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"pywb does not listen: {log.read_text()[-2000:]}")
