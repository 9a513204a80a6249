"""Has WARC files judged by readers of others: warcio checks digests, fastwarc reads strictly."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

from fastwarc.warc import ArchiveIterator as FastIterator
from fastwarc.warc import WarcRecordType
from isal import isal_zlib
from warcio.archiveiterator import ArchiveIterator


class Seen(NamedTuple):
    """One record as warcio reads it."""

    kind: str
    fields: dict[str, str]
    """The last value of each WARC field, its name in lower case."""
    all: list[tuple[str, str]]
    """All fields, in order."""
    block: bytes
    """The whole block."""
    payload: bytes
    """The body of an HTTP message; else the block."""
    member: tuple[int, int]
    """Offset and length in the file."""


def judge(path: Path) -> list[Seen]:
    """Returns the records of a file. Fails where a digest is wrong, a member torn, or readers see different records."""
    data = path.read_bytes()
    seen = [_read(member, start) for start, member in _members(data)]
    with path.open("rb") as file:
        fast = [
            (record.headers["WARC-Type"], record.record_id, record.verify_block_digest())
            for record in FastIterator(file, parse_http=False, strict_mode=True)
        ]
    told = [(one.kind, one.fields["warc-record-id"], "warc-block-digest" in one.fields) for one in seen]
    assert fast == told, f"{path}: fastwarc reads other records than warcio"
    with path.open("rb") as file:
        for record in FastIterator(file, record_types=WarcRecordType.response, strict_mode=True):
            assert record.verify_payload_digest(), f"{path}: the payload of {record.record_id} has another digest"
    return seen


def _members(data: bytes) -> list[tuple[int, bytes]]:
    """Returns each gzip member packed, with its offset. Fails if the last one is not whole."""
    found, at = [], 0
    while at < len(data):
        stream = isal_zlib.decompressobj(31)
        stream.decompress(data[at:])
        assert stream.eof, f"the member at {at} is torn"
        end = len(data) - len(stream.unused_data)
        found.append((at, data[at:end]))
        at = end
    return found


def _read(member: bytes, start: int) -> Seen:
    block = isal_zlib.decompress(member, 31).split(b"\r\n\r\n", 1)[1][:-4]
    records = []
    for record in ArchiveIterator(io.BytesIO(member), check_digests="raise"):
        payload: bytes = record.content_stream().read()
        fields: list[tuple[str, str]] = [(str(name), str(value)) for name, value in record.rec_headers.headers]
        kind: Any = record.rec_type
        named = {name.lower(): value for name, value in fields}
        records.append(Seen(str(kind), named, fields, block, payload, (start, len(member))))
        assert int(named["content-length"]) == len(block)
    (only,) = records
    return only
