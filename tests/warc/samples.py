"""Makes WARC files as several tools write them, byte for byte, for tests."""

from __future__ import annotations

import base64
import gzip
import hashlib
import sys
from collections.abc import Iterable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


DATE = "2026-11-01T12:00:00Z"


def record(kind: str, block: bytes, target: str = "", *, version: str = "WARC/1.1", **fields: str) -> bytes:
    """Returns one record. `fields` are named with `_` for `-`, without `WARC-`: `Date`, `Refers_To_Target_URI`."""
    digest = base64.b32encode(hashlib.sha1(block).digest()).decode()
    said = {"WARC-Type": kind, "WARC-Date": DATE, "WARC-Block-Digest": f"sha1:{digest}"}
    said |= {"WARC-Target-URI": target} if target else {}
    said |= {f"WARC-{name.replace('_', '-')}": value for name, value in fields.items()}
    said["Content-Length"] = str(len(block))
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"{version}\r\n{head}\r\n".encode() + block + b"\r\n\r\n"


def answer(body: bytes = b"", status: str = "200 OK", *fields: str, kind: str = "text/html") -> bytes:
    """Returns an HTTP answer. Without `fields` it has Content-Type and Content-Length."""
    lines = fields or (f"Content-Type: {kind}", f"Content-Length: {len(body)}")
    return f"HTTP/1.1 {status}\r\n".encode() + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def question(path: str = "/", host: str = "a.example", method: str = "GET", body: bytes = b"") -> bytes:
    """Returns an HTTP request."""
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() + body


def members(records: Iterable[bytes]) -> bytes:
    """Packs each record as a gzip member of its own, as most tools do."""
    return b"".join(gzip.compress(one, mtime=0) for one in records)


def one_stream(records: Iterable[bytes]) -> bytes:
    """Packs all records as one gzip stream, as `gzip crawl.warc` does."""
    return gzip.compress(b"".join(records), mtime=0)


def frames(records: Iterable[bytes], dictionary: bytes = b"") -> bytes:
    """Packs each record as a zstd frame, behind the dictionary if there is one (.warc.zst)."""
    known = zstd.ZstdDict(dictionary) if dictionary else None
    head = b"\x5d\x2a\x4d\x18" + len(dictionary).to_bytes(4, "little") + dictionary if dictionary else b""
    return head + b"".join(zstd.compress(one, zstd_dict=known) for one in records)
