"""A crawl folder with records and WARC files that no crawl had to make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, TypeAlias

import orjson
import pytest

from crawler import Config, Folder, SinkConfig, read_folder
from crawler.export.formats import FORMATS
from crawler.export.source import read_source
from crawler.export.wanted import Wanted
from crawler.folder.folder import open_folder
from crawler.runtime.escaping import json_line
from crawler.sinks.record import FIELDS
from tests.warc.samples import answer, members, question, record

WARC_FOLDER = "warc"
CONFIG = Config(sinks=(SinkConfig(), SinkConfig(kind="warc")))
NAMES = ("crawld-20261101120000-00000-0123abcd.warc.gz", "crawld-20261101130000-00001-0123abcd.warc.gz")

MakeFolder: TypeAlias = Callable[..., Folder]


@pytest.fixture
def make(tmp_path: Path) -> MakeFolder:
    """`make([{"url": ...}], {NAME: records})` returns a crawl folder with these records and WARC files."""

    def make(
        records: Iterable[Mapping[str, object]] = (), archives: Mapping[str, Iterable[bytes]] | None = None
    ) -> Folder:
        path = tmp_path / "a.crawl"
        if not path.exists():
            with open_folder(path, CONFIG):
                pass
        lines = [json_line({**dict.fromkeys(FIELDS), "v": 1, **one}) for one in records]
        (path / "pages.jsonl").write_bytes(b"".join(lines))
        for name, found in (archives or {}).items():
            (path / WARC_FOLDER).mkdir(exist_ok=True)
            (path / WARC_FOLDER / name).write_bytes(members(found))
        return read_folder(path, Config())

    return make


def export(folder: Folder, name: str, fields: tuple[str, ...] = (), file: IO[bytes] | None = None) -> bytes:
    """Returns the export of a folder in a format."""
    written = BytesIO()
    FORMATS[name].write(read_source(folder), Wanted(folder.path.parent, fields), file or written)
    return written.getvalue()


def captures(url: str, body: bytes = b"<title>A</title>", date: str = "2026-11-01T12:00:00Z") -> list[bytes]:
    """Returns the records of one exchange."""
    return [
        record("response", answer(body, kind="Text/HTML; charset=utf-8"), url, Date=date, Payload_Digest="sha1:ABC"),
        record("request", question(), url, Date=date),
        record("metadata", b"via: http://a.example/\r\n", url, Date=date),
    ]


def page(url: str, title: str = "", visit: int = 1, **values: object) -> dict[str, object]:
    """Returns the record of a page."""
    fields = {"url": url, "visit": visit, "status": 200, "disposition": "fetched", "title": title or None}
    moment = "2026-11-01T12:00:00.123Z"
    return fields | {"fetched_at": moment, "content_type": "text/html", "timings": {"queue": 1.5, "dns": 0.0}} | values


def read_lines(text: bytes) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in text.splitlines()]
