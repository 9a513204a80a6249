"""Archives of the web, of any maker."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any

from crawler.errors import ArchiveError
from crawler.warc import reading, unpacking
from crawler.warc.unpacking import Window
from tests.linear.lists import PACKED, WARC
from tests.linear.measure import Row, Shape, raw
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


ROWS = [
    Row("warc.reading.Walk", in_file(_walk), {**PLAIN, **MEMBERS}),
    Row("warc.reading.read_record", in_file(lambda window: reading.read_record(window, "archive", 0).finish()), PLAIN),
    Row("warc.unpacking.Pieces", in_file(_unpack), MEMBERS),
]
