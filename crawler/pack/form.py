"""Defines the form of a pack: a zip file whose comment signs every byte before it.

The comment is `crawld pack 1 KEY SIGNATURE`: the public key and an Ed25519 signature in hexadecimal digits. The
signature is of PREFIX and the SHA-256 of all bytes before the comment. Within, `manifest.json` lists every other file
with its SHA-256, and `manifest.sig` is a signature of that list alone, so that it also holds once all is unpacked.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import IO

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FORMAT = "crawld pack 1"
PREFIX, MANIFEST_PREFIX = b"crawld pack 1: file\n", b"crawld pack 1: manifest\n"
COMMENT = re.compile(rb"crawld pack 1 ([0-9a-f]{64}) ([0-9a-f]{128})")
COMMENT_BYTES = len("crawld pack 1 ") + 64 + 1 + 128
BLOCK = 1 << 20


def make_comment(public: bytes, signature: bytes) -> bytes:
    """Returns the comment at the end of a pack."""
    return f"{FORMAT} {public.hex()} {signature.hex()}".encode()


def message_of(file: IO[bytes], size: int) -> bytes:
    """Returns the message that is signed for a file whose first `size` bytes are read from its beginning."""
    digest, left = sha256(), size
    file.seek(0)
    while left and (block := file.read(min(BLOCK, left))):
        digest.update(block)
        left -= len(block)
    return PREFIX + digest.digest()
