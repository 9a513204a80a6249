"""WARC files of any maker are read record by record, in bounds, up to the place of a damage."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from crawler.errors import ArchiveError
from crawler.warc.reading import MOST_HEADER, Walk, read_record
from crawler.warc.unpacking import Window
from tests.warc.samples import answer, frames, members, one_stream, record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

URL = "http://a.example/"
PAGES = [
    record("warcinfo", b"software: test\r\n"),
    record("response", answer(b"<p>one"), URL + "1"),
    record("response", answer(b"x" * 200_000), URL + "2"),
    record("response", answer(b"<p>three"), URL + "3", version="WARC/1.0"),
]


class Read(NamedTuple):
    target: str
    block: bytes
    offset: int
    inner: int
    length: int | None
    is_sound: bool | None


def read(path: Path) -> tuple[list[Read], str]:
    """Returns all records of a file that can be read, and the error that ended it."""
    found: list[Read] = []
    with path.open("rb") as file:
        try:
            for one in Walk(Window(file.fileno()), path.name):
                block, is_all = one.read_all(1 << 20)
                one.finish()
                assert is_all
                found.append(Read(one.target, block, *one.place, one.length, one.is_sound))
        except ArchiveError as error:
            return found, str(error)
    return found, ""


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "x.warc"
    path.write_bytes(data)
    return path


PACKINGS: dict[str, Callable[[Iterable[bytes]], bytes]] = {
    "plain": b"".join,
    "member": members,
    "stream": one_stream,
    "frame": frames,
    "pad": lambda records: b"\0\0\0".join(gzip.compress(one) for one in records) + b"\0" * 9,
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing_gives_the_same_records(tmp_path: Path, packing: str) -> None:
    found, error = read(written(tmp_path, PACKINGS[packing](PAGES)))
    assert not error
    assert [one.target for one in found] == ["", URL + "1", URL + "2", URL + "3"]
    assert found[2].block == answer(b"x" * 200_000)
    assert all(one.is_sound for one in found)


@pytest.mark.parametrize("packing", ["plain", "member", "frame"])
def test_offset_and_length_are_those_of_the_file(tmp_path: Path, packing: str) -> None:
    path = written(tmp_path, PACKINGS[packing](PAGES))
    found, _ = read(path)
    sizes = [len(PACKINGS[packing]([one])) for one in PAGES]
    assert [one.length for one in found] == sizes
    assert [one.offset for one in found] == [sum(sizes[:n]) for n in range(4)]
    with path.open("rb") as file:
        window = Window(file.fileno())
        for one in found:
            again = read_record(window, "x", one.offset)
            assert (again.target, again.read_all(1 << 20)) == (one.target, (one.block, True))


def test_records_of_one_stream_have_a_place_within_it_and_no_length(tmp_path: Path) -> None:
    found, _ = read(written(tmp_path, one_stream(PAGES)))
    assert [(one.offset, one.inner) for one in found[:2]] == [(0, 0), (0, len(PAGES[0]))]
    assert [one.length for one in found] == [None] * 4


def test_a_dictionary_before_the_frames_is_used(tmp_path: Path) -> None:
    dictionary = zstd.train_dict([bytes(PAGES[1]) + bytes(str(n), "ascii") * 9 for n in range(500)], 4096).dict_content
    found, error = read(written(tmp_path, frames(PAGES, dictionary)))
    assert (len(found), error) == (4, "")
    packed = zstd.compress(dictionary)
    data = frames(PAGES, dictionary)[8 + len(dictionary) :]
    path = written(tmp_path, b"\x5d\x2a\x4d\x18" + len(packed).to_bytes(4, "little") + packed + data)
    assert len(read(path)[0]) == 4


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_file_that_was_cut_short_gives_all_that_was_whole_and_says_where_it_ends(
    tmp_path: Path, packing: str
) -> None:
    data = PACKINGS[packing](PAGES)
    for cut in range(1, 60):
        found, error = read(written(tmp_path, data[: len(data) - cut]))
        assert len(found) == 4 or "cut short" in error, cut
        assert len(found) >= 3, cut
        assert packing != "member" or len(found) == 3, "what has no checksum is not whole"


def test_a_cut_at_every_byte_never_gives_a_record_that_is_not_whole(tmp_path: Path) -> None:
    pages = [PAGES[0], PAGES[1], PAGES[3]]
    for packing in ("plain", "member", "stream", "frame"):
        data = PACKINGS[packing](pages)
        targets = [(one.target, one.block) for one in read(written(tmp_path, data))[0]]
        for cut in range(len(data)):
            found, _ = read(written(tmp_path, data[:cut]))
            assert [(one.target, one.block) for one in found] == targets[: len(found)]


def test_a_wrong_checksum_ends_the_reading_before_its_record(tmp_path: Path) -> None:
    data = [gzip.compress(one) for one in PAGES]
    broken = bytearray(data[2])
    broken[-6] ^= 1
    found, error = read(written(tmp_path, data[0] + data[1] + bytes(broken) + data[3]))
    assert len(found) == 2
    assert error == f"x.warc at byte {len(data[0] + data[1]):,}: damaged: error -6 incorrect checksum found"


def test_a_block_that_was_changed_is_told_by_its_digest(tmp_path: Path) -> None:
    found, error = read(written(tmp_path, PAGES[1].replace(b"<p>one", b"<p>two") + PAGES[3]))
    assert ([one.is_sound for one in found], error) == ([False, True], "")


@pytest.mark.parametrize(
    ("said", "sound"),
    [
        ("sha256:5e2cf99b7c5d1f6a1b3c2d4e", None),
        ("sha1:" + "!" * 32, None),
        ("crc32:12345678", None),
        ("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", True),
        ("SHA-1:VL2MMHO4YXUKFWV63YHTWSBM3GXKSQ2N", True),
    ],
)  # fmt: skip
def test_digests_in_hexadecimal_and_base32_are_compared_and_unknown_ones_are_not(
    tmp_path: Path, said: str, sound: bool | None
) -> None:
    (one,), _ = read(written(tmp_path, record("resource", b"hello", URL, Block_Digest=said)))
    assert one.is_sound is sound


def test_old_and_odd_headers_are_read(tmp_path: Path) -> None:
    odd = (
        b"WARC/0.18\nwarc-type: RESPONSE\nWARC-Target-URI: <http://a.example/\xc3\xa4>\nX: a\n  b\nContent-Length: 2\n"
        b"\nhi\n\nWARC/1.0\r\nWARC-Type:response\r\nContent-Length:0\r\nContent-Length: 9\r\n\r\n\r\n\r\n"
    )
    with written(tmp_path, odd).open("rb") as file:
        one, two = Walk(Window(file.fileno()), "x")
    assert (one.type, one.target, one.fields["x"], one.size) == ("response", "http://a.example/ä", "a b", 2)
    assert (two.type, two.target, two.size) == ("response", "", 0)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"<html>", "x.warc at byte 0: not a WARC file"),
        (b"filedesc://x 1 2 3 4\n", "x.warc at byte 0: an ARC file, the format before WARC: convert it"),
        (gzip.compress(b"hello"), "x.warc at byte 0: not a WARC file"),
        (b"PK\3\4....", "x.warc at byte 0: a zip file, not a WARC"),
        (b"WARC/2.0\r\nContent-Length: 0\r\n\r\n", "x.warc at byte 0: a record of WARC/2.0, which is not known"),
        (b"WARC/1.1\r\nWARC-Type: response\r\n\r\n", "x.warc at byte 0: not a WARC record: its length is missing"),
        (b"WARC/1.1\r\nContent-Length: 1e9\r\n\r\n", "x.warc at byte 0: not a WARC record: its length is missing"),
        (b"WARC/1.1\r\nContent-Length: " + b"9" * 19 + b"\r\n\r\n", "x.warc at byte 0: not a WARC record"),
        (b"WARC/1.1\r\nA: " + b"x" * (MOST_HEADER + 9), "x.warc at byte 0: not a WARC record: its header has no end"),
        (b"WARC/1.1\r\nA: b", "x.warc at byte 0: cut short"),
        (b"\x1f\x8b\x08 hello, this is no gzip", "x.warc at byte 0: damaged"),
        (b"\x5d\x2a\x4d\x18\xff\xff\xff\x7fxx", "x.warc at byte 0: a dictionary of 2,147,483,647 bytes"),
        (b"\x5d\x2a\x4d\x18\x04\0\0\0abcd" + frames(PAGES), "x.warc at byte 0: its dictionary cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_warc_is_said_in_one_line(tmp_path: Path, data: bytes, error: str) -> None:
    found, said = read(written(tmp_path, data))
    assert not found
    assert said.startswith(error)
    assert "\n" not in said


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    assert read(written(tmp_path, b"")) == ([], "")
    assert read(written(tmp_path, gzip.compress(b""))) == ([], "")


def test_a_window_ends_where_its_part_of_the_file_ends(tmp_path: Path) -> None:
    data = members(PAGES)
    path = written(tmp_path, b"before" + data + b"behind")
    with path.open("rb") as file:
        inner = Window(file.fileno(), 6, 6 + len(data))
        assert len(list(Walk(inner, "x"))) == 4
