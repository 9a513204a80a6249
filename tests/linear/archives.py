"""Archives of the web, of any maker."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any

from crawler.errors import ArchiveError
from crawler.warc import cdxj, indexing, reading, unpacking
from crawler.warc.surt import make_surt
from crawler.warc.unpacking import Window
from tests.linear.lists import PACKED, WARC
from tests.linear.measure import Row, Shape, raw, runs
from tests.warc.samples import answer, members, record

_ONE = record("response", answer(b"x"), "http://a.example/")
PLAIN: dict[str, Shape] = {
    **raw(WARC),
    "records": lambda n: _ONE * (n // len(_ONE)),
    "a record of zeros": lambda n: record("response", b"\0" * n),
    "records without an end": lambda n: b"WARC/1.1\r\nContent-Length: 0\r\n\r\n" * (n // 31),
    "names without values": lambda n: b"WARC/1.1\r\n" + b"a\r\n" * (n // 3),
    "folded lines": lambda n: b"WARC/1.1\r\na: b\r\n" + b" \r\n" * (n // 3),
}
MEMBERS: dict[str, Shape] = {
    **PACKED,
    "gzip of records": lambda n: members([_ONE]) * (n // 300),
    "gzip of line ends": lambda n: gzip.compress(b"\r\n") * (n // 22),
    "gzip of records, a byte at a time": lambda n: b"".join([gzip.compress(bytes([b])) for b in _ONE]) * (n // 9000),
}


def in_file(read: Callable[[Window], object]) -> Callable[[Any], object]:
    """Puts the bytes in a file, and reads it until it ends or is damaged."""

    def tried(data: bytes) -> object:
        with TemporaryFile() as file:
            os.write(file.fileno(), data)
            try:
                return read(Window(file.fileno()))
            except ArchiveError as error:
                return error

    return tried


def _walk(window: Window) -> int:
    return sum(1 for _ in reading.Walk(window, "archive"))


def _unpack(window: Window) -> None:
    pieces = unpacking.Pieces(window, "archive")
    while pieces.read():
        pass


HEADS = ("http://a.example/", "http://a.example/?", "http://", "urn:", "")


def _behind(head: str, shape: Shape) -> Shape:
    return lambda n: f"{head}{shape(n)}"


def _index(window: Window) -> int:
    return sum(1 for _ in indexing.index_file(window, "archive"))


def _read_line(data: bytes) -> object:
    try:
        return cdxj.read_line(data)
    except ValueError as error:
        return error


_SESSION = "0123456789abcdefghijklmn"
URLS = runs(
    *(
        "a",
        "%25",
        "%",
        "25",
        "/",
        "../",
        "/../a",
        ".",
        "&",
        "&a=1",
        "=",
        "?",
        "&cfid=1",
        "cfid=",
        "&cftoken=1",
        "jsessionid=",
    ),
    *(f"/({_SESSION})", f"(s({_SESSION})", f"/(s({_SESSION}))/", "a.aspx", ".asp", "sid=", "%61", "\xe9"),
)
ADDRESSES: dict[str, Shape] = {f"{head}{name}": _behind(head, shape) for head in HEADS for name, shape in URLS.items()}
LINES = raw(runs('{"url": "', "[", "0", " ", '{"a":', head='a 2026 {"url":'))
ANSWERS: dict[str, Shape] = {
    "a head without end": lambda n: record("response", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (n // 6), "http://a/"),
    "ends of lines": lambda n: record("response", b"HTTP/1.1 200" + b"\r\n" * (n // 2), "http://a/"),
    "a head of one word": lambda n: record("response", b"HTTP/" + b"1" * n, "http://a/"),
}

ROWS = [
    Row("warc.reading.Walk", in_file(_walk), {**PLAIN, **MEMBERS}),
    Row("warc.reading.read_record", in_file(lambda window: reading.read_record(window, "archive", 0).finish()), PLAIN),
    Row("warc.indexing.index_file", in_file(_index), {**PLAIN, **MEMBERS, **ANSWERS}),
    Row("warc.surt.make_surt", make_surt, ADDRESSES),
    Row("warc.cdxj.read_line", _read_line, LINES),
    Row("warc.cdxj.make_stamp", cdxj.make_stamp, runs("2026-11-", "1", "-", ":", " ")),
    Row("warc.unpacking.Pieces", in_file(_unpack), MEMBERS),
]
