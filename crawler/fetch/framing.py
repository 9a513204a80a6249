"""Finds the heads of answers, and refuses those that break HTTP/1.1 (RFC 9112) and that aiohttp's parser lets pass."""

from __future__ import annotations

import re

from aiohttp.http_parser import RawResponseMessage

from ..errors import FetchError
from ..model import Reason

MAX_INTERIM = 8
"""Interim answers (RFC 9110 15.2) before the final one. Two are common; more are meant to hold us up."""

BLANK_LINE = re.compile(rb"\n\r?\n")
"""The end of a head, and of the line before it. A lone LF ends a line as well (RFC 9112 2.2)."""


def split_heads(data: bytes, interim: int) -> tuple[bytes, tuple[bytes, ...]]:
    """Returns the head of the final answer in these bytes, and those of the `interim` answers before it.

    Each ends with its empty line. Empty lines before a status line belong to no head.
    """
    if not interim and data.startswith(b"H") and (blank := BLANK_LINE.search(data)):
        return data[: blank.end()], ()
    heads, begin = [], 0
    for _ in range(interim + 1):
        while data.startswith((b"\r", b"\n"), begin):
            begin += 1
        blank = BLANK_LINE.search(data, begin)
        end = blank.end() if blank else len(data)
        heads.append(data[begin:end])
        begin = end
    return heads.pop(), tuple(heads)


_SETTINGS, _GOAWAY = 4, 7
"""Types of HTTP/2 frames with which a server begins (RFC 9113 3.4, 6.8)."""


def is_http2(data: bytes) -> bool:
    """Whether bytes in the place of an answer begin with the frame of an HTTP/2 server (RFC 9113 4.1)."""
    if len(data) < 9 or int.from_bytes(data[5:9]) & 0x7FFF_FFFF:
        return False
    length, kind = int.from_bytes(data[:3]), data[3]
    return (kind == _SETTINGS and length % 6 == 0) or (kind == _GOAWAY and length >= 8)


_LENGTHS = re.compile(rb"^content-length:[ \t]*+([^\r\n]*+)\r?\n(?![ \t])", re.IGNORECASE | re.MULTILINE)


_INTERIM = re.compile(rb"[\r\n]*+HTTP/[0-9.]++ 1[0-9][0-9]")
_SAID = re.compile(rb"\ncontent-length:(?:[ \t]{0,8}[0-9]{1,20}[ \t]{0,8}(,))?", re.IGNORECASE)
LOOK_BACK = 64
"""Bytes of earlier pieces that `count_lengths` has to see again."""


def find_final_head(data: bytes | bytearray) -> tuple[int, int] | None:
    """Returns where the head of the final answer begins and where its empty line does; None if it is not whole."""
    begin = 0
    for blank in BLANK_LINE.finditer(data):
        if not _INTERIM.match(data, begin):
            return begin, blank.start() + 1
        begin = blank.end()
    return None


def find_plain_head(data: bytes) -> bytes:
    """Returns the head of a final answer that these bytes begin with, if it says no more than one length.

    Empty: its head is not whole, or needs a closer look.
    """
    blank = BLANK_LINE.search(data) if data.startswith(b"HTTP/1") and data[9:10] > b"1" else None
    if blank is None:
        return b""
    head = data[: blank.end()]
    found = _LENGTHS.findall(head)
    return b"" if len(found) > 1 or (found and b"," in found[0]) else head


def count_lengths(before: bytes, piece: bytes) -> int:
    """Returns how many lengths a piece of a head says after `before`, the end of what came earlier.

    A list of lengths counts as two at least.
    """
    found = [one for one in _SAID.finditer(before + piece) if one.end() > len(before)]
    return len(found) + sum(one[1] is not None for one in found)


def join_equal_lengths(data: bytes, head: tuple[int, int] | None) -> bytes:
    """Returns the bytes of an answer with one Content-Length where its head repeats the same (RFC 9110 8.6).

    The head is where `find_final_head` found it. Lengths that differ stay for the parser to refuse.
    """
    if head is None:
        return data
    begin, end = head
    said = data[begin:end]
    found = _LENGTHS.findall(said)
    if not found or (len(found) == 1 and b"," not in found[0]):
        return data
    values: set[bytes] = {value.strip(b" \t") for field in found for value in field.split(b",")}
    if len(values) > 1 or not (value := values.pop()).isdigit():
        return data
    one, *_ = _LENGTHS.finditer(said)
    rest: bytes = _LENGTHS.sub(b"", said[one.end() :])
    return data[:begin] + said[: one.start()] + b"Content-Length: " + value + b"\r\n" + rest + data[end:]


def check_interim(message: RawResponseMessage, count: int) -> None:
    """Raises FetchError (BAD_RESPONSE) if this interim answer is invalid or one too many."""
    if message.code < 100:
        raise FetchError(Reason.BAD_RESPONSE, f"HTTP {message.code:03} is not a valid status")
    if message.code == 101:
        raise FetchError(Reason.BAD_RESPONSE, "HTTP 101, which was not requested")
    if count > MAX_INTERIM:
        raise FetchError(Reason.BAD_RESPONSE, f"more than {MAX_INTERIM} interim answers")


def check_condition(is_conditional: bool) -> None:
    """Raises FetchError for 304 (`not modified`) if the request was not conditional (RFC 9110 15.4.5).

    The error is transient: a faulty cache sends such an answer, and may recover.
    """
    if not is_conditional:
        raise FetchError(Reason.BAD_RESPONSE, "HTTP 304, but the request was not conditional", transient=True)


def check_framing(message: RawResponseMessage) -> bool:
    """Returns whether the connection may be used again. Raises FetchError if the end of the body cannot be known.

    The parser has already refused contradicting lengths: two of Content-Length, or one with Transfer-Encoding
    (RFC 9112 6.3).
    """
    if not message.chunked and "Transfer-Encoding" not in message.headers:
        return True
    codings = message.headers.getall("Transfer-Encoding", ())
    if len(codings) != 1 or codings[0].strip(" \t").lower() not in ("chunked", "identity"):
        detail = f"Transfer-Encoding: {', '.join(codings)[:80]!r}, which the request did not allow"
        raise FetchError(Reason.BAD_RESPONSE, detail)
    return bool(message.version >= (1, 1))  # RFC 9112 6.1: from an older server it is an accident
