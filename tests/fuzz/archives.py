"""Targets that read archives of the web: WARC files of any packing, WACZ packages, and indexes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from crawler.archives.files import find_archives
from crawler.archives.store import Found, Store
from crawler.errors import ConfigError
from crawler.model import Request, Url
from crawler.urls.canonical import Policy
from tests.fuzz.lists import zipped
from tests.fuzz.target import Target, fed
from tests.warc.samples import answer, frames, members, one_stream, question, record

A = "http://a.example/"
RECORDS = (
    record("warcinfo", b"software: x\r\n"),
    record("response", answer(b"<p>1"), f"{A}1", Payload_Digest="sha1:A", Record_ID="<a>"),
    record("request", question("/1", method="POST", body=b"x"), f"{A}1", Concurrent_To="<a>"),
    record("revisit", answer(b"", "200 OK", "A: b"), f"{A}2", Payload_Digest="sha1:A"),
    record("response", answer(b"3\r\nabc\r\n0\r\n\r\n", "200 OK", "Transfer-Encoding: chunked"), f"{A}3"),
    record("response", answer(b"", "304 Not Modified"), f"{A}4"),
)
WARCS = (b"".join(RECORDS), members(RECORDS), one_stream(RECORDS), frames(RECORDS))
TOKENS = (
    b"WARC/1.1\r\n", b"\r\n\r\n", b"\r\n", b"Content-Length: 5\r\n", b"9" * 19, b":", b" ", b"\0" * 9, b"ff\r\n",
    b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18", b"WARC-Type: revisit\r\n", b"HTTP/1.1 200\r\n", *RECORDS,
)  # fmt: skip
PACKAGES = (zipped({"datapackage.json": b"{}", "archive/a.warc.gz": WARCS[1], "archive/b.warc": WARCS[0]}),)
ENDS = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"archive/a.warc.gz", b"\xff\xff", b"\0")
LINES = (
    b'example,a)/1 20261101120000 {"url":"http://a.example/1","status":"200","offset":"0","filename":"x.warc"}\n',
    b'example,a)/2 20261101120000 {"url":"http://a.example/2","mime":"warc/revisit","offset":"9","filename":"x.warc"}\n',
)
WORDS = (b'"', b"{", b"}", b" ", b"\n", b"9" * 30, b"-1", b'"method":"POST"', b"x.warc", b"../", b"[" * 500, b"null")


def check_archive(given: tuple[str, bytes]) -> None:
    """Answers, reasons why there is none, or one ConfigError of one line; and what is found has its digest."""
    name, data = given
    with TemporaryDirectory() as folder:
        Path(folder, "x.warc").write_bytes(WARCS[0])
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            store = Store(find_archives([path]), Policy((), False, False), 1 << 16)
        except ConfigError as error:
            _check_line(str(error))
            return
        try:
            store.index()
            for number in range(1, 5):
                found = store.find(Request(Url(f"{A}{number}")), 1 << 18, may_be_unchanged=False)
                assert not isinstance(found, Found) or len(found.answer.body) <= (1 << 16) + (1 << 18)
        except ConfigError as error:
            _check_line(str(error))
        finally:
            store.close()
        for note in store.notes:
            _check_line(note)


def _check_line(text: str) -> None:
    assert text
    assert "\n" not in text


TARGETS = [
    Target("an archive", fed(WARCS, TOKENS).map(lambda data: ("y.warc.gz", data)), check_archive),
    Target("a package of archives", fed(PACKAGES, ENDS).map(lambda data: ("y.wacz", data)), check_archive),
    Target("an index of captures", fed(LINES, WORDS).map(lambda data: ("y.cdxj", data)), check_archive),
]
