"""Checks a pack with nothing of the crawl at hand: signatures, digests, and the audit in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

import orjson

from ..errors import ConfigError
from ..identity import check_signature, thumbprint_of
from ..proving import Proof, prove_files
from ..runtime.private_files import opener
from .form import BLOCK, COMMENT, COMMENT_BYTES, FORMAT, MANIFEST, MANIFEST_PREFIX, SIGNATURE, message_of

MOST_MANIFEST = 1 << 22
MOST_TIMES = 100
"""Lines with hashes shrink to a third at best, robots.txt files to a tenth: a file that unpacks to more is a bomb."""
_AUDITS = re.compile(r"requests\.audit(\.[a-z0-9-]+)?")
_EVIDENCE = re.compile(r"(requests\.audit|robots\.kept)(\.[a-z0-9-]+)?")
_DAMAGE = (BadZipFile, ZlibError, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError, TypeError)
"""Errors that bytes which were changed may cause."""


@dataclass(frozen=True, slots=True)
class PackCheck:
    """The findings of one check of a pack."""

    thumbprint: str
    """The name of the key that signed it (RFC 7638). Whose key that is, nothing in the pack can prove."""
    created: str
    """When it was made, as its maker says."""
    crawl: str
    """The name of the crawl folder."""
    files: tuple[str, ...]
    """The files in it."""
    faults: tuple[str, ...]
    """Changes that were made to it since it was signed; empty: none were."""
    proof: Proof | None = None
    """The verdicts that its audit leads to. None: the pack was changed, so nothing is judged."""

    @property
    def is_whole(self) -> bool:
        """Whether it is as it was signed."""
        return not self.faults

    def record(self) -> dict[str, object]:
        """Returns it as JSON has it."""
        return {
            "verdict": "whole" if self.is_whole else "changed", "thumbprint": self.thumbprint, "created": self.created,
            "crawl": self.crawl, "files": list(self.files), "faults": list(self.faults),
            "proof": self.proof and self.proof.record(),
        }  # fmt: skip


def verify_pack(path: Path, thumbprint: str = "") -> PackCheck:
    """Checks a pack, and what its audit proves. `thumbprint`: the only key that may have signed it; empty: any.

    Blocks. Raises ConfigError for a file that is missing or no pack at all.
    """
    try:
        with open(path, "rb") as file:
            return _verify(file, path, thumbprint)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _verify(file: IO[bytes], path: Path, thumbprint: str) -> PackCheck:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - COMMENT_BYTES))
    if not (signed := COMMENT.fullmatch(file.read())):
        if not _looks_like_pack(path):
            raise ConfigError(f"{path} is no pack: `crawl pack FOLDER` makes one")
        return PackCheck("", "", "", (), ("the signature at its end was changed or is missing",))
    public, signature = bytes.fromhex(signed[1].decode()), bytes.fromhex(signed[2].decode())
    signer = thumbprint_of(public)
    faults = []
    if not check_signature(public, signature, message_of(file, size - COMMENT_BYTES)):
        faults.append("the signature at its end is not that of its bytes")
    if thumbprint and thumbprint != signer:
        faults.append(f"it is signed by another key, {signer}")
    return _check_inside(path, public, signer, faults)


def _check_inside(path: Path, public: bytes, signer: str, faults: list[str]) -> PackCheck:
    """Checks the files in a pack against its manifest, and names those that were changed."""
    said: dict[str, Any] = {}
    names: list[str] = []
    proof = None
    try:
        with ZipFile(path) as packed:
            names = packed.namelist()
            text = _read_small(packed, MANIFEST)
            said = orjson.loads(text)
            faults += _find_manifest_faults(packed, public, text, said)
            faults += _find_file_faults(packed, said)
            if not faults:
                proof = _prove(packed, said)
    except _DAMAGE as error:
        faults.append(f"it cannot be read: {error}")
    return PackCheck(
        signer, str(said.get("created", "")), str(said.get("crawl", "")),
        tuple(name for name in names if name not in (MANIFEST, SIGNATURE)), tuple(faults), proof,
    )  # fmt: skip


def _find_manifest_faults(packed: ZipFile, public: bytes, text: bytes, said: dict[str, Any]) -> Iterator[str]:
    signature = _read_small(packed, SIGNATURE)
    found = re.fullmatch(rb"([0-9a-f]{128})\n", signature)
    if not found or not check_signature(public, bytes.fromhex(found[1].decode()), MANIFEST_PREFIX + text):
        yield f"{SIGNATURE} is not the signature of {MANIFEST}"
    if said.get("format") != FORMAT:
        yield f"{MANIFEST} is of another form: {said.get('format')!r}"
    if said.get("thumbprint") != thumbprint_of(public):
        yield f"{MANIFEST} names another key"


def _find_file_faults(packed: ZipFile, said: dict[str, Any]) -> Iterator[str]:
    listed = {str(one["path"]): one for one in said["files"]}
    names = packed.namelist()
    yield from (
        f"{name} is in it and not in {MANIFEST}" for name in names if name not in {*listed, MANIFEST, SIGNATURE}
    )
    yield from (f"{name} is missing" for name in listed if name not in names)
    if len(set(names)) < len(names):
        yield "a file is in it twice"
    for name, one in listed.items():
        if name in names and packed.getinfo(name).file_size > MOST_TIMES * (packed.getinfo(name).compress_size + BLOCK):
            yield f"{name} would unpack to more than {MOST_TIMES} times its size"
        elif name in names and _digest(packed, name, int(one["bytes"])) != one["sha256"]:
            yield f"{name} was changed"


def _digest(packed: ZipFile, name: str, size: int) -> str:
    """Returns the digest of a file, if it has the size that is said; else an empty text."""
    digest, n = sha256(), 0
    try:
        with packed.open(name) as file:
            while block := file.read(BLOCK):
                n += len(block)
                if n > size:  # it may unpack to very much
                    return ""
                digest.update(block)
    except _DAMAGE:
        return ""
    return digest.hexdigest() if n == size else ""


def _prove(packed: ZipFile, said: dict[str, Any]) -> Proof | None:
    """Returns what the audit in the pack proves; None: there is none."""
    if not any(map(_AUDITS.fullmatch, packed.namelist())):
        return None
    with TemporaryDirectory(prefix="crawl-verify-") as folder:
        for name in filter(_EVIDENCE.fullmatch, packed.namelist()):
            with packed.open(name) as packed_file, open(Path(folder) / name, "xb", opener=opener) as file:
                while block := packed_file.read(BLOCK):
                    file.write(block)
        settled = {str(name): int(size) for name, size in said["settled"].items()}
        return prove_files(Path(folder), settled or None)


def _read_small(packed: ZipFile, name: str) -> bytes:
    with packed.open(name) as file:
        return file.read(MOST_MANIFEST)


def _looks_like_pack(path: Path) -> bool:
    try:
        with ZipFile(path) as packed:
            return MANIFEST in packed.namelist()
    except _DAMAGE:
        with open(path, "rb") as file:
            return file.read(4) == b"PK\x03\x04"
