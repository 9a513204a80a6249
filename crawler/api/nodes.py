"""Claims the place of a node in the folder of a crawl that several machines work on, and names it in its settings."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import FolderError
from ..runtime.private_files import make_folder, opener
from ..settings import Config
from ..settings.loading import amend

NAME_BYTES = 4
_CLAIM = ".claim-"


class Node(NamedTuple):
    """The place of one node: its name in the engine, and the folder with what it writes."""

    name: str
    folder: Path


@contextmanager
def claim_node(home: Path) -> Iterator[Node]:
    """Claims a node of this machine in the folder of a crawl: one whose process is gone, else a new one.

    It is claimed until the block or the process ends. Raises FolderError.
    """
    host = "".join(one if one.isalnum() or one in "-." else "-" for one in socket.gethostname())[:40] or "node"
    try:
        make_folder(home)
        names = [path.name for path in sorted(home.iterdir()) if path.is_dir() and path.name.startswith(f"{host}-")]
        for name in (*names, f"{host}-{secrets.token_hex(NAME_BYTES)}"):
            claim = opener(home / f"{_CLAIM}{name}", os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(claim)
                continue
            try:
                yield Node(name, home / name)
            finally:
                os.close(claim)
                if not (home / name).exists():  # it did not come to work: nothing is left of it
                    (home / f"{_CLAIM}{name}").unlink(missing_ok=True)
                    with suppress(OSError):
                        home.rmdir()
            return
    except OSError as error:
        raise FolderError(f"{home} cannot be written: {error.strerror}") from error
    raise FolderError(f"{home}: all nodes are taken: run the same command again")


def join_engine(config: Config, url: str, crawl: str, node: Node) -> Config:
    """Returns the settings of a node that works on a crawl in an engine. Raises ConfigError."""
    own = {"frontier.kind": "engine", "frontier.engine": url, "frontier.crawl": crawl, "frontier.node": node.name}
    return amend(config, own)
