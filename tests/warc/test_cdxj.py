"""Lines of an index are those of the archive world, and lines of any maker are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.warc.cdxj import REVISIT, Entry, make_line, make_stamp, read_line
from crawler.warc.indexing import index_file
from crawler.warc.unpacking import Window
from tests.warc.samples import answer, members, question, record

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.builds(
        Entry, TEXT.filter(bool), st.just("20261129100000"), TEXT, st.integers(0), st.integers(0), TEXT, TEXT, TEXT
    )
)
def test_a_line_is_read_back_as_it_was(entry: Entry) -> None:
    line = make_line(entry)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert read_line(line) == entry


def test_a_line_is_the_same_that_cdxj_indexer_writes() -> None:
    entry = Entry(
        'http://example.com/b?x="q"', "20261129100001", "t.warc.gz", 925, 332, "TEXT/HTML", "404", "sha1:OYTS"
    )
    assert make_line(entry) == (
        b'com,example)/b?x="q" 20261129100001 {"url": "http://example.com/b?x=\\"q\\"", "mime": "TEXT/HTML", '
        b'"status": "404", "digest": "sha1:OYTS", "length": "332", "offset": "925", "filename": "t.warc.gz"}\n'
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"a b\n",
        b"a b {}\n",
        b"a b []\n",
        b'a b {"url": 1}\n',
        b'a b {"url": "x", "offset": []}',
        b"a b {" * 3000,
    ],
)
def test_what_is_no_line_is_told(line: bytes) -> None:
    with pytest.raises(ValueError):
        read_line(line)


@pytest.mark.parametrize(
    ("date", "stamp"),
    [
        ("2026-11-29T10:00:01Z", "20261129100001"),
        ("2026-11-29T10:00:01.123456Z", "20261129100001"),
        ("20261129100001", "20261129100001"),
        ("2026-11", "20261101000000"),
        ("", "00000101000000"),
        ("nonsense", "00000101000000"),
    ],
)
def test_a_stamp_is_the_second_of_the_date(date: str, stamp: str) -> None:
    assert make_stamp(date) == stamp


def test_responses_revisits_and_resources_are_indexed_and_nothing_else(tmp_path: Path) -> None:
    url = "http://a.example/"
    found = [
        record("warcinfo", b"software: x\r\n"),
        record("response", answer(b"x", kind=" Text/HTML ; charset=utf-8"), url, Payload_Digest="sha1:A"),
        record("request", question(), url),
        record("revisit", answer(b"", "304 Not Modified", "ETag: x"), url, Payload_Digest="sha1:A"),
        record("revisit", answer(b"", kind="text/html"), f"<{url}copy>", Payload_Digest="sha1:A"),
        record("resource", b"hello", "urn:text:x"),
        record("metadata", b"via: x\r\n", url),
        record("response", b"no head at all", url),
    ]
    place = tmp_path / "a.warc.gz"
    for data in (members(found), b"".join(found)):
        place.write_bytes(data)
        with place.open("rb") as file:
            entries = list(index_file(Window(file.fileno()), "a.warc.gz"))
        told = [(one.url, one.mime, one.status, one.digest) for one in entries]
        assert told == [
            (url, "Text/HTML", "200", "sha1:A"),
            (url, REVISIT, "304", "sha1:A"),
            (f"{url}copy", REVISIT, "200", "sha1:A"),
            ("urn:text:x", None, "", ""),
            (url, None, "", ""),
        ]
        assert [data[one.offset :][:2] for one in entries] == [data[:2]] * 5
        assert entries[-1].offset + entries[-1].length == os.path.getsize(place)
