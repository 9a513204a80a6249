"""Packs a sorted index into gzip members of some hundred lines, with a small index of these (ZipNum, cdxj-gzip-1.0)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO

LINES = 1024
"""Lines of a member. A reader unpacks whole members to find one line."""
_GZIP = 31
"""The largest window, and a gzip header and trailer."""


def write_zipnum(lines: Iterable[bytes], packed: IO[bytes], name: str) -> Iterator[bytes]:
    """Writes sorted lines to `packed`, a file of that name; yields the lines of its index as they become known."""
    yield f"!meta 0 {json.dumps({'format': 'cdxj-gzip-1.0', 'filename': name})}\n".encode()
    offset = 0
    for block in _blocks(lines):
        packer = zlib.compressobj(wbits=_GZIP)
        member = packer.compress(b"".join(block)) + packer.flush()
        packed.write(member)
        prefix = b" ".join(block[0].split(b" ", 2)[:2]).decode()
        yield f"{prefix} {json.dumps({'offset': offset, 'length': len(member)})}\n".encode()
        offset += len(member)


def _blocks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    left = iter(lines)
    while block := list(islice(left, LINES)):
        yield block
