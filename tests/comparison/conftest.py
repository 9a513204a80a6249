"""Crawls that are written by hand: folders, exports and archives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from crawler import Difference, open_comparison
from crawler.folder.folder import open_folder
from crawler.runtime.escaping import json_line
from crawler.settings import Config
from crawler.sinks.record import FIELDS
from tests.export.conftest import page
from tests.warc.samples import members

Write: TypeAlias = Callable[..., Path]
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write("a.jsonl", [page(URL)])` returns a file, `write("a.crawl", ...)` a folder, `write("a.warc.gz", ...)`."""

    def write(name: str, records: Iterable[Mapping[str, object]] | Iterable[bytes]) -> Path:
        path = tmp_path / name
        if name.endswith(".warc.gz"):
            path.write_bytes(members([one for one in records if isinstance(one, bytes)]))
            return path
        lines = [json_line({**dict.fromkeys(FIELDS), "v": 1, **one}) for one in records if isinstance(one, Mapping)]
        if name.endswith(".crawl"):
            with open_folder(path, Config()):
                pass
        (path / "pages.jsonl" if path.is_dir() else path).write_bytes(b"".join(lines))
        return path

    return write


def compare(before: Path, after: Path) -> list[Difference]:
    with open_comparison(before, after) as compared:
        return list(compared)


def told(before: Path, after: Path) -> list[tuple[object, ...]]:
    """The differences in short: URL without its site, kinds, where it moved."""
    return [
        (one.url.removeprefix("http://a.test"), *one.kinds, *([one.moved_to] if one.moved_to else []))
        for one in compare(before, after)
    ]


__all__ = ["A", "B", "compare", "page", "told", "write"]
