"""A crawl folder whose frontier was damaged, made to go on: what its pages tell and what the file still holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from .errors import FolderError, SinkError
from .folder import held, read_folder
from .frontier import Recorded, Repaired, is_whole, repair
from .model import Position
from .private import Unsafe, check_place, opener
from .settings import Config
from .trust import NOBODY, Trust


def mend(path: Path, *, is_forced: bool = False, trust: Trust = NOBODY) -> Repaired | None:
    """Rebuild the frontier of the crawl folder; pages and settings stay as they are. Blocks.

    None: no damage was found, and nothing changed; forced, it is rebuilt all the same. Raises FolderError where it is
    none or in use; FrontierError, SinkError where too much is damaged or it cannot be written: nothing changed.
    """
    folder = read_folder(path, Config(), trust=trust)
    pages = [path / sink.path for sink in folder.config.sinks]
    if not pages or not folder.frontier_path.exists():
        raise FolderError(
            f"{path} cannot be repaired: its frontier is not in a file, or no pages tell what was visited"
        )

    def recorded(positions: Mapping[str, Position]) -> Iterator[Recorded]:
        position = positions.get(f"jsonl:{pages[0].name}", {})
        yield from _records(pages[0], position.get(pages[0].name, 0))

    with held(path):
        if not is_forced and is_whole(folder.frontier_path):
            return None
        return repair(folder.frontier_path, recorded)


def _records(path: Path, length: int) -> Iterator[Recorded]:
    """What was recorded up to this length."""
    if not length:
        return
    try:
        check_place(path)
    except Unsafe as error:
        raise SinkError(str(error)) from error
    if not path.exists() or path.stat().st_size < length:
        raise SinkError(f"{path} is shorter than the {length} bytes that were settled: put it back first")
    with open(path, "rb", opener=opener) as file:
        while (at := file.tell()) < length:
            try:
                yield _recorded(orjson.loads(file.readline()))
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                raise SinkError(f"{path} is damaged too, at byte {at}: put it back as it was first") from error


def _recorded(record: Mapping[str, Any]) -> Recorded:
    return Recorded(
        record["url"],
        record["depth"],
        record["disposition"],
        record["status"],
        record["attempt"],
        datetime.fromisoformat(record["fetched_at"]).timestamp(),
        bytes.fromhex(record["digest"].removeprefix("sha256:")) if record["digest"] else None,
    )
