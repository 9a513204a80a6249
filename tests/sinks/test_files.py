"""Bodies are saved as files by their content, each once, and their list settles with the records."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

import crawler
from crawler import Config, SinkConfig, StorageFull
from crawler.model import Disposition, Lease, Outcome, Reason, Request, Response, Url
from crawler.settings.loading import amend
from crawler.sinks.files import SavedFiles
from crawler.sinks.formats import make_outputs
from crawler.testing import Site, Web, html, missing, open_web, robots

QUICK = {"allow_networks": ["127.0.0.0/8"], "executor": "inline", "delay_s": 0.0}
PNG, PDF = b"\x89PNG\r\n\x1a\n picture", b"%PDF-1.7 paper"


def visited(path: str, body: bytes, kind: str, status: int = 200, coding: str = "") -> Outcome:
    url = Url(f"http://a.test{path}")
    headers = ((b"Content-Type", kind.encode()), *([(b"Content-Encoding", coding.encode())] if coding else []))
    response = Response(url, status, headers, body)
    if status != 200:
        return Outcome(Lease(Request(url), 1), Disposition.FAILED, Reason.STATUS_4XX, response=response)
    return Outcome(Lease(Request(url), 1), Disposition.FETCHED, response=response, visited_at=1_760_000_000.0)


ALL = [
    visited("/a", b"<title>A</title>", "text/html"), visited("/p.png", PNG, "image/png"),
    visited("/p.pdf", PDF, "application/octet-stream"), visited("/s.css", b"a{}", "text/css"),
    visited("/again.png", gzip.compress(PNG, mtime=0), "image/png", coding="gzip"),
    visited("/no.png", PNG, "image/png", status=404), visited("/empty", b"", "text/html"),
    visited("/broken", b"\x1f\x8b broken", "text/html", coding="gzip"),
]  # fmt: skip


async def save(folder: Path, types: Sequence[str], outcomes: Sequence[Outcome] = ALL) -> list[dict[str, object]]:
    config = Config(sinks=(SinkConfig.model_validate({"kind": "files", "types": types}),))
    (output,) = make_outputs(folder, config)
    async with output.open(is_synced=True) as sink:
        await sink.rewind(None)
        position = await sink.write(outcomes)
    listed = (folder / "files/files.jsonl").read_bytes()
    assert position == {"files.jsonl": len(listed)}
    return [orjson.loads(line) for line in listed.splitlines()]


@pytest.mark.parametrize(
    ("types", "paths"),
    [
        (["html"], ["/a"]), (["pdf"], ["/p.pdf"]), (["images"], ["/p.png", "/again.png"]),
        (["html", "pdf"], ["/a", "/p.pdf"]), (["all"], ["/a", "/p.png", "/p.pdf", "/s.css", "/again.png"]),
        ([], ["/a", "/p.png", "/p.pdf", "/s.css", "/again.png"]),
    ],
    ids=["html", "pdf", "images", "two", "all", "none"],
)  # fmt: skip
async def test_what_is_wanted_is_saved_by_its_content(tmp_path: Path, types: list[str], paths: list[str]) -> None:
    listed = await save(tmp_path, types)
    assert [str(one["url"]).removeprefix("http://a.test") for one in listed] == paths
    for one in listed:
        data = (tmp_path / "files" / str(one["file"])).read_bytes()
        assert (one["digest"], one["bytes"]) == (f"sha256:{sha256(data).hexdigest()}", len(data))
    found = {path.relative_to(tmp_path / "files").as_posix() for path in (tmp_path / "files").glob("*/*")}
    assert found == {one["file"] for one in listed}
    assert {Path(name).suffix for name in found} <= {".html", ".png", ".pdf", ".css"}


async def test_a_body_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    first, *_, last = await save(tmp_path, ["images"])
    assert first["file"] == last["file"]
    path = tmp_path / "files" / str(first["file"])
    os.utime(path, (1, 1))
    await save(tmp_path, ["images"])
    assert path.stat().st_mtime == 1
    path.write_bytes(b"torn")
    await save(tmp_path, ["images"])
    assert path.read_bytes() == PNG


async def test_the_list_is_cut_back_and_says_each_visit_once_after_a_kill(tmp_path: Path) -> None:
    sink = SavedFiles("files:files", tmp_path / "files", frozenset(["all"]), 1 << 20)
    await sink.rewind(None)
    settled = await sink.write(ALL[:1])
    await sink.write(ALL[1:])
    (tmp_path / "files/draft.new").write_bytes(b"half a bo")
    again = SavedFiles("files:files", tmp_path / "files", frozenset(["all"]), 1 << 20)
    await again.rewind(settled)
    await again.write(ALL[1:])
    urls = [orjson.loads(line)["url"] for line in (tmp_path / "files/files.jsonl").read_bytes().splitlines()]
    assert len(urls) == len(set(urls)) == 5
    assert b"half a bo" not in {path.read_bytes() for path in (tmp_path / "files").glob("*/*")}


async def test_a_body_is_cut_where_the_crawl_cuts_it(tmp_path: Path) -> None:
    sink = SavedFiles("files:files", tmp_path / "files", frozenset(["all"]), 5)
    await sink.rewind(None)
    await sink.write(ALL[:1])
    assert orjson.loads((tmp_path / "files/files.jsonl").read_bytes())["bytes"] == 5


async def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = SavedFiles("files:files", tmp_path / "files", frozenset(["all"]), 1 << 20)
    await sink.rewind(None)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr("crawler.sinks.files.saving.make_inner_folder", fail)
    with pytest.raises(StorageFull):
        await sink.write(ALL)


async def test_records_name_the_files(tmp_path: Path) -> None:
    web = Web([Site("a.test", {"/": html("Home", ["/x"]), "/x": missing()}, robots=robots.missing())])
    config = amend(Config(), QUICK | {"sinks": [{"kind": "jsonl"}, {"kind": "files"}]})
    async with open_web(web) as served:
        await crawler.crawl(served.seeds, config, folder=tmp_path / "c")
    home, gone = sorted(
        map(orjson.loads, (tmp_path / "c/pages.jsonl").read_bytes().splitlines()), key=lambda one: len(one["url"])
    )
    body = (tmp_path / "c" / home["file"]).read_bytes()
    assert home["digest"] == f"sha256:{sha256(body).hexdigest()}"
    assert "file" not in gone
    (listed,) = map(orjson.loads, (tmp_path / "c/files/files.jsonl").read_bytes().splitlines())
    assert home["file"] == f"files/{listed['file']}"


async def test_attempts_that_are_made_again_are_not_saved(tmp_path: Path) -> None:
    again = replace(ALL[0], disposition=Disposition.DEFERRED)
    reread = replace(ALL[1], lease=Lease(Request(ALL[1].url, is_reread=True), 2))
    sink = SavedFiles("files:files", tmp_path / "files", frozenset(["all"]), 1 << 20)
    await sink.rewind(None)
    named = await sink.archive([again, reread, ALL[2]])
    assert [bool(one.file) for one in named] == [False, False, True]
    await sink.write(named[2:])
    assert len((tmp_path / "files/files.jsonl").read_bytes().splitlines()) == 1
    assert len([*(tmp_path / "files").glob("*/*")]) == 1
