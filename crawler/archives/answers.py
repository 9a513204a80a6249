"""Reads an archived HTTP answer: its head, and its body as it came over the wire, without chunks (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

Fields = tuple[tuple[bytes, bytes], ...]
MOST_HEAD = 1 << 18
"""Bytes of a head, as many as one may have on the wire."""
_STATUS = re.compile(rb"HTTP/[0-9](?:\.[0-9])?[ \t]++([0-9]{3})(?:[ \t][^\r\n]*+)?(?:\r?\n|\Z)")
_BLANK = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]++")
_SIZE = re.compile(rb"[ \t]{0,8}([0-9A-Fa-f]{1,15})[ \t]{0,8}(?:;[^\r\n]{0,1024})?\r?\n")
_CHUNKED = re.compile(rb"\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_RENAMED = {b"x-crawl-transfer-encoding": b"Transfer-Encoding"}
"""Names that archives give to fields which no longer describe the bytes that they hold, and the real names."""


class Answer(NamedTuple):
    """An archived answer."""

    status: int
    fields: Fields
    """As they were on the wire, with the values without white space around them."""
    head: bytes
    """The head, byte for byte."""
    body: bytes
    """Without chunks, in its content codings."""
    is_whole: bool = True
    """Whether the body has the last of its chunks."""

    def find(self, name: bytes) -> bytes:
        """Returns the first value of a field by its name in lower case; empty: there is none."""
        return next((value for key, value in self.fields if key.lower() == name), b"")


def read_answer(block: bytes, *, has_body: bool = True) -> Answer | None:
    """Returns the answer in the block of a response or a revisit; None: it is no HTTP."""
    status = _STATUS.match(block)
    if not status or not 100 <= int(status[1]) <= 999:
        return None
    blank = _BLANK.search(block, max(0, status.end() - 2), MOST_HEAD)
    end, begin = blank.span() if blank else (len(block), len(block))
    fields = tuple(_read_fields(block[status.end() : end]))
    answer = Answer(int(status[1]), fields, block[:begin], block[begin:])
    if not has_body or not _says_chunked(block[:begin]):
        return answer
    body, is_whole = remove_chunks(answer.body)
    return answer._replace(body=body, is_whole=is_whole)


def remove_chunks(body: bytes) -> tuple[bytes, bool]:
    """Returns the body without its chunks, and whether it has the last of them.

    Many archives hold bodies whose chunks were removed though the head still names them; those are returned as they
    are.
    """
    pieces, at = list[bytes](), 0
    while size := _SIZE.match(body, at):
        length, begin = int(size[1], 16), size.end()
        if not length:
            return b"".join(pieces), True
        at = begin + length
        pieces.append(body[begin:at])
        if at >= len(body):
            break
        if body.startswith(b"\r\n", at):
            at += 2
        elif body.startswith(b"\n", at):
            at += 1
        else:
            return body, True
    return (b"".join(pieces), False) if pieces else (body, True)


def _read_fields(lines: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in _FOLD.sub(b" ", lines).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and (name := name.strip()):
            yield _RENAMED.get(name.lower(), name), value.strip()


def _says_chunked(head: bytes) -> bool:
    """Whether the head itself, under the real name, says that the body is chunked."""
    return _CHUNKED.search(head) is not None
