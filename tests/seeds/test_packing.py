"""Whatever a list is packed in is unpacked as it is read, and never into memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crawler.errors import SeedError
from crawler.seeds import check, read

from .got import got

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

A, B = "https://a.example/", "https://b.example/x"
LIST = f"{A}\n{B}\n".encode()


def _zip(members: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _xz(data: bytes) -> bytes:
    return lzma.compress(data) + b"\0" * 8  # streams of xz may be padded


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": _xz,
    "zst": lambda data: bytes(zstd.compress(data)),
    "zip": lambda data: _zip({"urls.txt": data}),
}


@pytest.mark.parametrize("name", PACKINGS)
def test_every_packing_is_taken_off_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    pack = PACKINGS[name]
    table = f"name;url\none;{A}\ntwo;{B}\n".encode("utf-16")
    for data, of in ((LIST, "one URL a line"), (table, "column 2 'url'"), (f'["{A}","{B}"]'.encode(), "texts of JSON")):
        for called in (f"urls.csv.{name}", "urls.txt"):
            read = got(tmp_path, pack(data), called)
            assert (read.urls, read.bad) == ([A, B], [])
            assert of in read.told[0]
    assert got(tmp_path, gzip.compress(pack(LIST))).urls == [A, B]


@pytest.mark.parametrize("name", ["gz", "bz2", "xz", "zst"])
def test_one_packed_part_may_follow_another(tmp_path: Path, name: str) -> None:
    pack = PACKINGS[name]
    assert got(tmp_path, pack(f"{A}\n".encode()) + pack(f"{B}\n".encode())).urls == [A, B]


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKINGS)
def test_a_damaged_packing_is_told(tmp_path: Path, name: str) -> None:
    whole = PACKINGS[name]("".join(f"https://a.example/{n * 7919}\n" for n in range(100_000)).encode())
    for data in (whole[: len(whole) // 2], whole[:30] + b"nonsense" * 10 + whole[110:]):
        with pytest.raises(SeedError, match=r"urls\.txt: .*(damaged|not|unsupported)") as error:
            got(tmp_path, data)
        assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKINGS)
def test_a_bomb_never_stands_in_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "urls.txt"
    path.write_bytes(PACKINGS[name](LIST + b"x" * (64 << 20) + b"\n" + LIST))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read([str(path)])) == 4
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


def test_a_zip_gives_all_its_lists_and_leaves_out_what_is_none(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {
        "readme.md": "# Lists\n\nThese are lists of sites.\nThey come from https://c.example/ and\nhttps://d.example/\n",
        "lists/one.csv": f"name,url\none,{A}\n",
        "lists/two.txt.gz": gzip.compress(f"{B}\n".encode()),
        "logo.png": b"\x89PNG\0",
        "__MACOSX/x.txt": "https://never.example/\n",
        "lists/.hidden": "https://never.example/\n",
        "lists/": "",
        "empty.txt": "",
    }
    data = _zip(members)
    read = got(tmp_path, data, "lists.zip")
    assert (read.urls, read.bad) == ([A, B], [])
    assert read.told == [
        "lists.zip/readme.md: no list of URLs, left out, 0 URLs",
        "lists.zip/lists/one.csv: column 2 'url', 1 URL",
        "lists.zip/lists/two.txt.gz: one URL a line, 1 URL",
        "lists.zip/logo.png: a binary file, left out, 0 URLs",
    ]
    with pytest.raises(SeedError, match=r"x\.zip: no line that could be used"):
        got(tmp_path, _zip({"readme.md": "nothing here\n", "logo.png": b"\0"}), "x.zip")


def test_a_zip_with_a_password_is_told(tmp_path: Path) -> None:
    data = bytearray(_zip({"urls.txt": LIST}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(SeedError, match="locked with a password"):
        got(tmp_path, bytes(data), "urls.zip")


def test_a_wacz_gives_its_pages_or_its_index_or_its_records(tmp_path: Path) -> None:
    pages = f'{{"format": "json-pages-1.0", "id": "pages"}}\n{{"id": "1", "url": "{A}"}}\n{{"id": "2", "url": "{B}"}}\n'
    index = gzip.compress(f'example,a)/ 20200101000000 {{"url": "{A}"}}\n'.encode())
    record = f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {B}\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    warc = gzip.compress(record.encode())
    members: dict[str, bytes | str] = {"datapackage.json": "{}", "archive/x.warc.gz": warc}
    assert got(tmp_path, _zip(members), "x.wacz").urls == [B]
    members["indexes/index.cdx.gz"] = index
    assert got(tmp_path, _zip(members), "x.wacz").urls == [A]
    members["pages/pages.jsonl"] = pages
    read = got(tmp_path, _zip(members), "x.wacz")
    assert read.urls == [A, B]
    assert read.told == ["x.wacz/pages/pages.jsonl: field 'url' of JSON, 2 URLs, 1 row without one"]


@pytest.mark.parametrize("name", PACKINGS)
def test_what_is_packed_may_come_through_a_pipe(name: str) -> None:
    program = "from crawler.seeds import read\nfor url in read(['-']): print(url)"
    data = PACKINGS[name](LIST)
    ran = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)
    assert ran.stdout.decode().split() == [A, B]


def test_packings_within_packings_have_an_end(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="packed in more than 3 layers"):
        check([_written(tmp_path, gzip.compress(gzip.compress(gzip.compress(gzip.compress(LIST)))))])


def _written(folder: Path, data: bytes) -> str:
    path = folder / "urls.txt"
    path.write_bytes(data)
    return str(path)
