"""Reads plain answers: those of HTTP/1.1 whose head and body leave no doubt (RFC 9112). All others are for aiohttp.

Nothing here is lenient. Bytes that this file takes mean the same to every reader of HTTP, so a second reader that knows
all the ways in which servers differ is asked only where they do.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .framing import BLANK_LINE

MAX_PLAIN_HEAD = 1 << 14
"""Bytes of a head. Longer ones are rare, and aiohttp's to bound."""
MAX_PLAIN_FIELDS = 128
_BEGIN = b"HTTP/1.1 "
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*+)?\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n"
)
_FIELD = re.compile(rb"\n([^:\r\n]++):[ \t]*+([^\r\n]*+)")
_FRAMING = re.compile(
    rb"\n(content-length|transfer-encoding|connection|upgrade|sec-websocket-key1):[ \t]*+([^\r\n]*+)", re.IGNORECASE
)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CONNECTION = {b"keep-alive": True, b"close": False}
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_PART_OF_SIZE = re.compile(rb"[0-9A-Fa-f]{0,8}\r?")
CHUNKED = -1
"""Stands for the length of a body in chunks."""
_WITHOUT_BODY = (204, 304)


class PlainHead(NamedTuple):
    """The head of a plain answer."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    length: int
    """Bytes of the body; CHUNKED: it says so itself."""
    keeps: bool
    """Whether the connection may be used again."""


def may_be_plain(data: bytes | bytearray) -> bool:
    """Whether bytes without the end of a head may become a plain answer."""
    return len(data) <= MAX_PLAIN_HEAD and data.startswith(_BEGIN[: len(data)]) and not BLANK_LINE.search(data)


def read_head(head: bytes) -> PlainHead | None:
    """Returns what a head says, empty line included. None: it is not plain, or its body ends with the connection."""
    found = _HEAD.fullmatch(head) if len(head) <= MAX_PLAIN_HEAD else None
    if found is None:
        return None
    status = int(found[1])
    length, keeps = None, True
    for field, text in _FRAMING.findall(head):
        name, value = field.lower(), text.rstrip(b" \t")
        if name == b"content-length" and length is None and _LENGTH.fullmatch(value):
            length = int(value)
        elif name == b"transfer-encoding" and length is None and value.lower() == b"chunked":
            length = CHUNKED
        elif name == b"connection" and keeps and value.lower() in _CONNECTION:
            keeps = _CONNECTION[value.lower()]
        else:
            return None
    if status in _WITHOUT_BODY:
        if length:
            return None
        length = 0
    fields = tuple([(name, value.rstrip(b" \t")) for name, value in _FIELD.findall(head)])
    return None if length is None or len(fields) > MAX_PLAIN_FIELDS else PlainHead(status, fields, length, keeps)


class Chunks:
    """Reads a body in chunks as its bytes come: it begins at `begin` among them, and has `most` bytes at most."""

    __slots__ = ("_at", "_found", "_most", "_size", "is_whole")

    def __init__(self, begin: int, most: int) -> None:
        self._at = begin
        self._most = most
        self._found: list[bytes] = []
        self._size = 0
        self.is_whole: bool = False

    @property
    def body(self) -> bytes:
        """Returns all chunks that were read."""
        return self._found[0] if len(self._found) == 1 else b"".join(self._found)

    def read(self, data: bytes | bytearray) -> bool:
        """Reads on; `data` holds all bytes of the answer so far. Returns False if the body is not plain.

        Extensions and trailers are not, and neither is a longer body, or bytes that follow it.
        """
        while line := _SIZE.match(data, self._at):
            begin, size = line.end(), int(line[1], 16)
            end = begin + size
            if size == 0:
                self.is_whole = data[begin:] == b"\r\n"
                return self.is_whole or data[begin:] in (b"", b"\r")
            if self._size + size > self._most:
                return False
            if len(data) < end + 2:
                return data[end:] in (b"", b"\r")
            if data[end : end + 2] != b"\r\n":
                return False
            self._found.append(bytes(data[begin:end]))
            self._size += size
            self._at = end + 2
        return _PART_OF_SIZE.fullmatch(data, self._at) is not None
