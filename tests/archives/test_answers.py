"""Archived answers are read as they were on the wire, whatever the archive made of their framing."""

from __future__ import annotations

import pytest

from crawler.archives.answers import read_answer, remove_chunks

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_status_fields_and_body_are_taken_apart() -> None:
    block = (
        b"HTTP/1.0 404 Not  Found\r\nContent-Type:text/html\r\nX:  a\r\n  b \r\nno field\r\nX: c\r\n\r\n<p>\r\n\r\nx"
    )
    answer = read_answer(block)
    assert answer is not None
    assert (answer.status, answer.body) == (404, b"<p>\r\n\r\nx")
    assert answer.fields == ((b"Content-Type", b"text/html"), (b"X", b"a b"), (b"X", b"c"))
    assert answer.head + answer.body == block


@pytest.mark.parametrize(
    ("block", "status", "body"),
    [
        (b"HTTP/1.1 200\r\n\r\nx", 200, b"x"),
        (b"HTTP/2 200 \nA: b\n\nx", 200, b"x"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n", 301, b""),
        (b"HTTP/1.1 204 No Content", 204, b""),
    ],
)
def test_heads_without_reason_body_or_end_are_read(block: bytes, status: int, body: bytes) -> None:
    answer = read_answer(block)
    assert answer is not None
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    "block", [b"", b"<html>", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 099 x\r\n\r\n", b"ICY 200 OK\r\n\r\n"]
)
def test_what_is_no_answer_of_a_web_server_is_none(block: bytes) -> None:
    assert read_answer(block) is None


@pytest.mark.parametrize(
    ("raw", "body", "is_whole"),
    [
        (b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", b"abcde", True),
        (b"3\nabc\n0\n\n", b"abc", True),
        (b"3  \r\nabc\r\n0\r\nTrailer: x\r\n\r\n", b"abc", True),
        (b"3\r\nabc\r\n5\r\nde", b"abcde", False),
        (b"3\r\nabc\r\n", b"abc", False),
        (b"0\r\n\r\n", b"", True),
        (b"<p>decoded already", b"<p>decoded already", True),
        (b"ff\r\nshort of its first chunk", b"short of its first chunk", False),
        (b"3\r\nabcdef\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", True),
        (b"", b"", True),
    ],
)  # fmt: skip
def test_chunks_are_removed_where_there_are_some(raw: bytes, body: bytes, is_whole: bool) -> None:
    assert remove_chunks(raw) == (body, is_whole)
    answer = read_answer(CHUNKED + raw)
    assert answer is not None
    assert (answer.body, answer.is_whole) == (body, is_whole)


def test_a_field_that_was_renamed_gets_its_name_back_and_the_body_is_left_alone() -> None:
    answer = read_answer(CHUNKED.replace(b"Transfer", b"X-Crawl-Transfer") + b"3\r\nabc\r\n0\r\n\r\n")
    assert answer is not None
    assert answer.find(b"transfer-encoding") == b"chunked"
    assert answer.body == b"3\r\nabc\r\n0\r\n\r\n"
