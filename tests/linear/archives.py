"""Archives of the web, of any maker."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from crawler.archives.answers import read_answer, remove_chunks
from crawler.archives.captures import Captures
from crawler.archives.cdxj import IndexReader
from crawler.archives.files import find_archives
from crawler.archives.store import Store
from crawler.archives.unanswered import read_unanswered
from crawler.errors import ArchiveError, ConfigError
from crawler.model import Request, Url
from crawler.urls.canonical import Policy
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


def _replay(data: bytes) -> object:
    """Makes the index of an archive, and asks for an answer in it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.warc"
        path.write_bytes(data)
        store = Store(find_archives([path]), Policy((), False, False), 1 << 20)
        try:
            store.index()
            return store.find(Request(Url("http://a.example/")), 1 << 24, may_be_unchanged=False)
        except ConfigError as error:
            return error
        finally:
            store.close()


def _read_records(data: bytes) -> int:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pages.jsonl"
        path.write_bytes(data)
        return sum(1 for _ in read_unanswered(path))


def _take_index(data: bytes) -> object:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.cdxj"
        path.write_bytes(data)
        (Path(folder) / "x.warc").touch()
        captures = Captures()
        try:
            return IndexReader(captures, Policy((), False, False), []).read(path, lambda: False)
        except ArchiveError as error:
            return error
        finally:
            captures.close()


def _walk(window: Window) -> int:
    return sum(1 for _ in reading.Walk(window, "archive"))


def _unpack(window: Window) -> None:
    pieces = unpacking.Pieces(window, "archive")
    while pieces.read():
        pass


_HEAD = "HTTP/1.1 200 OK\r\n"
HTTP = raw({
    **runs("a: b\r\n", "\r\n ", "a:", ":", "\n", "x", " ", "\r", "transfer-encoding:", "chunked", head=_HEAD),
    **runs("a\r\n", "1\r\na\r\n", "0", "f", ";", " ", "1;", "1\na", head=f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n"),
    **runs("HTTP/1.1 ", "HTTP/1.1 200", " ", "2"),
})  # fmt: skip
_REVISIT = record("revisit", answer(b""), "http://a.example/", Payload_Digest="sha1:A", Record_ID="<a>")
_POST = record("request", b"POST / HTTP/1.1\r\n\r\nx", "http://a.example/", Concurrent_To="<a>")

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

RECORDS = raw({
    **runs('{"url":"a","status":null,"disposition":"failed","reason":"dns","detail":"","attempt":2,"visit":1}\n', "\n"),
    **runs("{", "[", '"a":1,', '"status":null', " ", "9", head='{"attempt":2,'),
})  # fmt: skip
INDEXES = raw({
    **runs('a 2026 {"url":"http://a.example/","filename":"x.warc","offset":"1"}\n', "a\n", "\n", "!\n", " ", "a "),
    **runs('"a":1,', '{"a":', "[", '"method"', " ", head='a 2026 {"url":"http://a.example/",', tail="}\n"),
})  # fmt: skip
ROWS = [
    Row("archives.answers.read_answer", read_answer, HTTP),
    Row(
        "archives.answers.remove_chunks", remove_chunks, raw(runs("1\r\na\r\n", "0\r\n", "1\r\n", "f", ";", "1;", "\n"))
    ),
    Row(
        "archives.store.Store",
        _replay,
        {
            "records": lambda n: _ONE * (n // len(_ONE)),
            "revisits": lambda n: _REVISIT * (n // len(_REVISIT)),
            "requests": lambda n: (_REVISIT + _POST) * (n // len(_REVISIT + _POST)),
            "one stream": lambda n: gzip.compress(_ONE * (n // len(_ONE))),
            "zeros": lambda n: _ONE + b"\0" * n,
        },
    ),
    Row("archives.cdxj.IndexReader.read", _take_index, INDEXES),
    Row("archives.unanswered.read_unanswered", _read_records, RECORDS),
    Row("warc.reading.Walk", in_file(_walk), {**PLAIN, **MEMBERS}),
    Row("warc.reading.read_record", in_file(lambda window: reading.read_record(window, "archive", 0).finish()), PLAIN),
    Row("warc.indexing.index_file", in_file(_index), {**PLAIN, **MEMBERS, **ANSWERS}),
    Row("warc.surt.make_surt", make_surt, ADDRESSES),
    Row("warc.cdxj.read_line", _read_line, LINES),
    Row("warc.cdxj.make_stamp", cdxj.make_stamp, runs("2026-11-", "1", "-", ":", " ")),
    Row("warc.unpacking.Pieces", in_file(_unpack), MEMBERS),
]
