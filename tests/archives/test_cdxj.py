"""An index that the user names tells where captures stand, and is not believed blindly."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import crawler
from crawler import ConfigError
from crawler.warc.cdxj import Entry, make_line
from tests.archives.test_archives import ask, bodies, page, written
from tests.warc.samples import answer, members, record

URL = "http://a.example/"
RECORDS = [members([one]) for one in (page(1), page(2), page(2, b"<p>later", Date="2026-11-01T12:00:09Z"))]


def make_index(folder: Path, name: str = "x.warc.gz") -> bytes:
    """Writes three captures into `archive/` and returns the lines of their index."""
    (folder / "archive").mkdir()
    written(folder / "archive", b"".join(RECORDS))
    lines, offset = [], 0
    for n, one in zip((1, 2, 2), RECORDS, strict=True):
        stamp = "20261101120009" if b"later" in gzip.decompress(one) else "20261101120000"
        lines.append(make_line(Entry(f"{URL}{n}", stamp, name, offset, len(one), "text/html", "200", f"sha1:{n}")))
        offset += len(one)
    return b"".join(sorted(lines))


@pytest.mark.parametrize("name", ["index.cdxj", "index.cdxj.gz", "index.cdx.gz"])
async def test_captures_are_found_by_an_index_in_the_order_of_time(tmp_path: Path, name: str) -> None:
    lines = make_index(tmp_path)
    path = written(tmp_path, gzip.compress(lines) if name.endswith(".gz") else lines, name)
    second = crawler.Request(crawler.Url(f"{URL}2"), attempt=2)
    assert [one if isinstance(one, str) else one.body for one in await ask(path, f"{URL}1", f"{URL}2", second)] == [
        b"<p>1", b"<p>2", b"<p>later"
    ]  # fmt: skip
    summary = await crawler.replay(path, folder=tmp_path / "again", executor="inline")
    assert summary.pages == 2


async def test_lines_that_cannot_be_used_are_counted_and_those_of_forms_left_out(tmp_path: Path) -> None:
    odd = b'!meta {"x":1}\nnonsense\na 2026 {"url":"http://a.example/1"}\na 2026 {"url":"ftp://x/","offset":"0"}\n'
    form = b'a 2026 {"url":"http://a.example/f","offset":"0","filename":"x.warc.gz","method":"POST"}\n'
    far = b'a 2026 {"url":"http://a.example/f","status":"9e9","offset":"%s","filename":"x.warc.gz"}\n' % (b"9" * 30)
    path = written(tmp_path, odd + form + far + make_index(tmp_path), "index.cdxj")
    async with crawler.open_crawl(archives=[str(path)], executor="inline") as crawl:
        assert crawl.archives is not None
        assert crawl.archives.captures == 3
        assert crawl.archives.notes == (f"{path}: 5 lines could not be used",)


async def test_an_index_that_is_wrong_brings_no_other_page(tmp_path: Path) -> None:
    lines = make_index(tmp_path).replace(b"a.example/1", b"a.example/9")
    path = written(tmp_path, lines, "index.cdxj")
    (got,) = await bodies(path, f"{URL}9")
    assert got == f"not-archived: the index is wrong: {URL}1 stands at byte 0 of its archive"
    cut = lines.replace(b'"offset": "0"', b'"offset": "7"')
    (got,) = await bodies(written(tmp_path, cut, "index.cdxj"), f"{URL}9")
    assert isinstance(got, str)
    assert got.startswith("not-archived: ")
    assert "x.warc.gz at byte " in got


@pytest.mark.parametrize("name", ["missing.warc.gz", "../../etc/passwd", "", "..", "archive"])
async def test_archives_that_an_index_names_stand_beside_it_or_nowhere(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, make_index(tmp_path, name), "index.cdxj")
    with pytest.raises(ConfigError, match="which stands neither beside it nor in archive/ or warc/"):
        await bodies(path, URL)


async def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    for data, said in ((b"hello\n", "1 line could not be used"), (b"\x1f\x8b hello", "index.cdxj.gz: ")):
        path = written(tmp_path, data, "index.cdxj.gz" if data.startswith(b"\x1f") else "index.cdxj")
        with pytest.raises(ConfigError, match=said):
            await bodies(path, URL)


async def test_a_revisit_in_an_index_gets_its_body(tmp_path: Path) -> None:
    again = members([record("revisit", answer(b"", "200 OK", "X: y"), f"{URL}3", Payload_Digest="sha1:1")])
    lines = make_index(tmp_path)
    with (tmp_path / "archive" / "x.warc.gz").open("ab") as file:
        offset = file.tell()
        file.write(again)
    entry = Entry(f"{URL}3", "20261101120001", "x.warc.gz", offset, len(again), "warc/revisit", "200", "sha1:1")
    path = written(tmp_path, lines + make_line(entry), "index.cdxj")
    assert await bodies(path, f"{URL}3") == [b"<p>1"]
