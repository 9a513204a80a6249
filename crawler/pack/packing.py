"""Writes a pack of a crawl folder: archive, audit of requests, robots.txt files, history of settings, signatures."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import orjson

from ..errors import FolderError
from ..export import export_folder
from ..folder.folder import Folder, translate_os_errors
from ..frontier import look
from ..identity import Identity
from ..proof import AUDIT, BODIES, HISTORY
from ..proving import settled_audits
from ..runtime.private_files import opener, replace_private_file
from ..runtime.times import iso
from ..settings.loading import project_version
from .form import BLOCK, COMMENT_BYTES, FORMAT, MANIFEST, MANIFEST_PREFIX, SIGNATURE, make_comment, message_of

KEPT = (HISTORY, "bounds.timeline", "preferences.jsonl")
"""Files of a crawl folder that are packed beside the audits, as far as they are there."""
ARCHIVE = "archive.wacz"


def pack_folder(folder: Folder, path: Path, identity: Identity) -> Sequence[str]:
    """Writes a pack of what a folder holds now, signed; returns the names of the files in it. Blocks.

    The file appears whole, or not at all; only its owner can read it. Raises FolderError for a folder without an audit,
    ArchiveError, FrontierError, StorageFull, SinkError.
    """
    audits = [path.name for path in sorted(folder.path.glob(f"{AUDIT}*")) if path.is_file()]
    if not audits:
        raise FolderError(
            f"{folder.path} holds no {AUDIT}: its crawl recorded no requests, so there is nothing to prove"
        )
    if path.is_dir():
        raise FolderError(f"{path} is a folder: name a file in it")
    with translate_os_errors(path.absolute().parent), replace_private_file(path) as file:
        bodies = [path.name for path in sorted(folder.path.glob(f"{BODIES}*")) if path.is_file()]
        names = _write(folder, [*audits, *bodies, *KEPT], file, identity, path.absolute().parent)
        file.flush()
        _sign(file, identity)
    return names


def _write(folder: Folder, kept: Sequence[str], file: IO[bytes], identity: Identity, scratch: Path) -> list[str]:
    settled = _settled(folder)  # before the audit is read: it only grows
    with ZipFile(file, "w", ZIP_STORED) as packed:
        listed = [_add(packed, name, folder.path / name) for name in kept if (folder.path / name).is_file()]
        with _archive(folder, scratch) as archive:
            if archive is not None:
                listed.append(_add(packed, ARCHIVE, archive))
        said = {
            "format": FORMAT, "created": iso(time.time()), "software": f"crawld {project_version()}",
            "crawl": folder.path.resolve().name, "settled": settled, "key": identity.jwk,
            "thumbprint": identity.thumbprint, "files": listed,
        }  # fmt: skip
        text = orjson.dumps(said, option=orjson.OPT_INDENT_2)
        packed.writestr(_describe(MANIFEST, len(text)), text)
        signature = identity.sign(MANIFEST_PREFIX + text).hex().encode() + b"\n"
        packed.writestr(_describe(SIGNATURE, len(signature)), signature)
        packed.comment = b" " * COMMENT_BYTES
    return [str(one["path"]) for one in listed]


def _sign(file: IO[bytes], identity: Identity) -> None:
    """Writes the comment, which signs every byte before it."""
    size = file.seek(0, os.SEEK_END) - COMMENT_BYTES
    with open(file.name, "rb", opener=opener) as written:
        signature = identity.sign(message_of(written, size))
    file.seek(size)
    file.write(make_comment(identity.public, signature))


def _settled(folder: Folder) -> dict[str, int]:
    """Returns how long each audit was when outcomes were settled last, and its seal, as the frontier has them."""
    if not folder.frontier_path.exists():
        return {}
    return settled_audits(look(folder.frontier_path, lambda opened: opened.positions()))


def _add(packed: ZipFile, name: str, path: Path) -> dict[str, object]:
    """Adds the bytes that a file has now; returns its line of the manifest."""
    digest, size = sha256(), path.stat().st_size
    left = size
    with open(path, "rb", opener=opener) as file, packed.open(_describe(name, size), "w") as entry:
        while left and (block := file.read(min(BLOCK, left))):
            digest.update(block)
            entry.write(block)
            left -= len(block)
    return {"path": name, "bytes": size - left, "sha256": digest.hexdigest()}


def _describe(name: str, size: int) -> ZipInfo:
    info = ZipInfo(name, time.gmtime()[:6])
    info.compress_type = ZIP_STORED if name.endswith(".wacz") else ZIP_DEFLATED
    info.file_size = size  # so that zip64 is chosen where it is needed
    info.external_attr = 0o644 << 16
    return info


@contextmanager
def _archive(folder: Folder, scratch: Path) -> Iterator[Path | None]:
    """Yields a WACZ file of the crawl's archive; None: it keeps none."""
    if not any(sink.kind == "warc" for sink in folder.config.sinks):
        yield None
        return
    with TemporaryDirectory(prefix=".pack-", dir=scratch) as name:
        path = Path(name) / ARCHIVE
        export_folder(folder, "wacz", path)
        yield path
