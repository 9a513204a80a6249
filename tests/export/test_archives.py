"""An index and a WACZ hold every capture of a crawl, and their digests are right."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import orjson
import pytest

from crawler import CrawlError, FolderError, export_folder
from crawler.errors import ArchiveError
from crawler.export.formats import FORMATS
from crawler.export.source import read_source
from crawler.export.wanted import Wanted
from tests.export.conftest import NAMES, WARC_FOLDER, MakeFolder, captures, export, page, read_lines
from tests.warc.samples import members

URLS = ("http://b.example/", "http://www.a.example/x?b&a", "http://a.example/")


def test_an_index_has_a_line_for_each_capture_of_all_files_in_the_order_of_its_keys(make: MakeFolder) -> None:
    folder = make(archives={NAMES[0]: captures(URLS[0]), NAMES[1]: [*captures(URLS[1]), *captures(URLS[2])]})
    lines = export(folder, "cdxj").decode().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["example,a)/", "example,a)/x?a&b", "example,b)/"]
    assert lines == sorted(lines)
    entry = orjson.loads(lines[2].split(" ", 2)[2])
    length = len(members(captures(URLS[0])[:1]))
    assert entry == {
        "url": URLS[0], "mime": "Text/HTML", "status": "200", "digest": "sha1:ABC",
        "length": str(length), "offset": "0", "filename": NAMES[0],
    }  # fmt: skip
    first = orjson.loads(lines[0].split(" ", 2)[2])
    whole = (folder.path / WARC_FOLDER / NAMES[1]).read_bytes()
    found = gzip.decompress(whole[int(first["offset"]) :][: int(first["length"])])
    assert b"WARC-Target-URI: http://a.example/\r\n" in found


def test_a_wacz_is_whole_and_says_the_digest_of_everything_in_it(make: MakeFolder) -> None:
    records = [page(URLS[0], "B", text="read me"), page(URLS[2], content_type="image/png"), page(URLS[1], status=404)]
    records[2]["disposition"] = "failed"
    folder = make(records, {NAMES[0]: captures(URLS[0]), NAMES[1]: captures(URLS[1])})
    packed = zipfile.ZipFile(io.BytesIO(export(folder, "wacz")))
    assert packed.testzip() is None
    archives = [f"archive/{name}" for name in NAMES]
    others = ["indexes/index.cdx.gz", "indexes/index.idx", "pages/pages.jsonl"]
    ends = ["datapackage.json", "datapackage-digest.json"]
    assert packed.namelist() == [*archives, *others, *ends]
    assert {one.filename for one in packed.infolist() if one.compress_type == zipfile.ZIP_STORED} >= {
        *archives,
        others[0],
    }
    for name in NAMES:
        assert packed.read(f"archive/{name}") == (folder.path / WARC_FOLDER / name).read_bytes()
    listed = orjson.loads(packed.read("datapackage.json"))
    assert (listed["profile"], listed["wacz_version"], listed["title"]) == ("data-package", "1.1.1", "a.crawl")
    told = {one["path"]: (one["hash"], one["bytes"]) for one in listed["resources"]}
    assert told == {name: (_sha256(packed.read(name)), len(packed.read(name))) for name in (*archives, *others)}
    digest = {"path": "datapackage.json", "hash": _sha256(packed.read("datapackage.json"))}
    assert orjson.loads(packed.read("datapackage-digest.json")) == digest
    assert gzip.decompress(packed.read(others[0])) == export(folder, "cdxj")
    head, *pages = read_lines(packed.read(others[2]))
    assert head == {"format": "json-pages-1.0", "id": "pages", "title": "All Pages", "hasText": False}
    assert [(one["url"], one["title"], one["text"], one["ts"]) for one in pages] == [
        (URLS[0], "B", "read me", "2026-11-01T12:00:00.123Z")
    ]


def test_a_packed_index_says_where_each_of_its_members_begins(
    make: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.warc.zipnum.LINES", 2)
    urls = [f"http://a.example/{n}" for n in range(5)]
    folder = make(archives={NAMES[0]: [one for url in urls for one in captures(url)]})
    packed = zipfile.ZipFile(io.BytesIO(export(folder, "wacz")))
    meta, *lines = packed.read("indexes/index.idx").decode().splitlines()
    assert meta == '!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}'
    index = packed.read("indexes/index.cdx.gz")
    keys, found = [], b""
    for line in lines:
        key, _, place = line.split(" ", 2)
        at = orjson.loads(place)
        member = gzip.decompress(index[at["offset"] :][: at["length"]])
        keys.append(key)
        assert member.startswith(key.encode())
        found += member
    assert keys == ["example,a)/0", "example,a)/2", "example,a)/4"]
    assert found == export(folder, "cdxj")


def test_where_no_records_can_be_read_back_the_pages_are_those_of_the_index(make: MakeFolder) -> None:
    folder = make(archives={NAMES[0]: captures(URLS[0])})
    source, file = read_source(folder), io.BytesIO()
    source.reader = None
    FORMATS["wacz"].write(source, Wanted(folder.path.parent), file)
    _, one = read_lines(zipfile.ZipFile(file).read("pages/pages.jsonl"))
    assert (one["url"], one["ts"]) == (URLS[0], "2026-11-01T12:00:00Z")


@pytest.mark.parametrize("form", ["cdxj", "wacz"])
def test_a_damaged_archive_leaves_no_export_and_the_old_one_as_it_was(
    make: MakeFolder, tmp_path: Path, form: str
) -> None:
    folder, out = make(archives={NAMES[0]: captures(URLS[0])}), tmp_path / f"out.{form}"
    export_folder(folder, form, out)
    before, path = out.read_bytes(), folder.path / WARC_FOLDER / NAMES[0]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArchiveError, match=f"{NAMES[0]}.*cut short"):
        export_folder(folder, form, out)
    assert out.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.crawl", out.name]


@pytest.mark.parametrize("form", ["cdxj", "wacz"])
def test_a_folder_without_archives_is_told_how_to_get_them(make: MakeFolder, tmp_path: Path, form: str) -> None:
    with pytest.raises(FolderError, match="holds no WARC files: crawl with --warc"):
        export_folder(make([page(URLS[0])]), form, tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["a.crawl"]


def test_a_file_that_is_written_ends_where_it_is_settled(make: MakeFolder) -> None:
    """Nothing of it is, as long as no position names it."""
    folder = make(archives={NAMES[0]: captures(URLS[0]), f"{NAMES[1]}.open": captures(URLS[1])})
    assert [line.split(b" ")[0] for line in export(folder, "cdxj").splitlines()] == [b"example,b)/"]


@pytest.mark.parametrize("place", ["folder", "missing/out", "link"])
def test_a_place_that_cannot_be_written_is_one_line(make: MakeFolder, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CrawlError, match=place.partition("/")[0]) as caught:
        export_folder(make([page(URLS[0])]), "jsonl", tmp_path / place)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "elsewhere").exists()


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
