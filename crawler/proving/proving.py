"""Reads an audit from its first line to its last, and says what it proves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from .. import urls
from ..errors import FolderError
from ..folder.folder import Folder
from ..frontier import look
from .bodies import Bodies
from .judging import Judge, Writer
from .lines import SEAL, Gap, Read, Tampered, Terms, read_lines
from .verdicts import AUDIT, Fault, Proof

BODIES = "robots.kept"
MOST_FAULTS = 1000


@dataclass(slots=True, eq=False)
class _File:
    """One audit of a crawl, as far as it is read."""

    path: Path
    writer: Writer
    size: int | None
    """How long it was when outcomes were settled last. None: nobody knows."""
    mark: int
    """The first 60 bits of its seal there."""
    lines: int = 0
    seal: str = ""
    end: int = 0
    is_met: bool = False
    """Whether the settled end was found."""


class _Kept(NamedTuple):
    """A folder with audits."""

    path: Path
    settled: Mapping[str, int] | None
    prefix: str = ""
    """Stands before the names of its files, where there are several folders."""


def prove_folder(folder: Folder, site: str = "") -> Proof:
    """Checks the audit of a crawl folder, also while a crawl writes to it. Blocks. Raises FolderError, FrontierError.

    `site` is the only one that is judged, given by any of its URLs or as a host of https; empty: all. Raises UrlError.
    """
    return prove_folders([folder], site)


def prove_folders(folders: Sequence[Folder], site: str = "") -> Proof:
    """Checks the audits of several nodes of one crawl together, in the order of time, as sites saw their requests.

    The clocks of their machines must agree as closely as rests are to be judged. Blocks, and raises as `prove_folder`.
    """
    site = _find_site(site)
    kept = [_open_folder(one, f"{one.path.name}/" if len(folders) > 1 else "") for one in folders]
    proof = _prove(kept, site)
    if site and not proof.sites:
        raise FolderError(
            f"{folders[0].path / AUDIT} has no request to {site}: a site is written as https://example.org"
        )
    return proof


def _open_folder(folder: Folder, prefix: str) -> _Kept:
    if not _find_files(folder.path):
        raise FolderError(
            f"{folder.path} holds no {AUDIT}: its crawl recorded no requests (proof.audit_requests = false, or it was"
            " made by an older version)"
        )
    settled = None
    if folder.frontier_path.exists():
        settled = settled_audits(look(folder.frontier_path, lambda opened: opened.positions()))
    return _Kept(folder.path, settled, prefix)


def settled_audits(positions: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Returns how long each audit was when outcomes were settled last, by its file; and its seal there (`FILE#`)."""
    found: dict[str, int] = {}
    for name, position in positions.items():
        if name == AUDIT or name.startswith(f"{AUDIT}."):
            found |= position
    return found


def prove_files(folder: Path, settled: Mapping[str, int] | None = None, site: str = "") -> Proof:
    """Checks all audits in a folder and the robots.txt files that belong to them. Blocks. Raises OSError.

    `settled` is what `settled_audits` returns; None: nobody knows.
    """
    return _prove([_Kept(folder, settled)], site)


def _prove(folders: Sequence[_Kept], site: str) -> Proof:
    bodies = [path for one in folders for path in sorted(one.path.glob(f"{BODIES}*"))]
    judge, faults = Judge(Bodies(bodies), site), list[Fault]()
    files = [file for one in folders for file in _open_files(one)]
    for _, file, read in merge(*[_read(one, faults) for one in files], key=itemgetter(0)):
        if read is None:
            judge.close_run(file.writer)
        elif not isinstance(read.said, Tampered) and read.said is not None:
            judge.take(read.said, read.number, file.writer)
    for file in files:
        judge.close_run(file.writer)
        faults += _check_end(file)
    is_known = all(one.settled is not None for one in folders)
    remarks = () if is_known else ("there is no frontier beside it: lines missing at its end would not show",)
    sites = sorted((one.verdict for one in judge.sites.values()), key=lambda one: (one.is_kept, -one.requests))
    terms = max((one.writer for one in files), key=lambda one: one.last_at).terms
    return Proof(
        judge.requests, judge.runs, judge.unended, _seal_of(files), sum(one.lines for one in files), terms.agent,
        str(terms.said.get("user_agent", "")), tuple(faults[:MOST_FAULTS]), tuple(sites), tuple(judge.changes), remarks,
    )  # fmt: skip


def _open_files(kept: _Kept) -> list[_File]:
    """Returns the audits of a folder, those that are missing among them."""
    known = kept.settled or {}
    names = {*_find_files(kept.path), *(name for name in known if not name.endswith("#"))}
    return [
        _File(kept.path / name, Writer(kept.prefix + name), size, known.get(f"{name}#", 0), is_met=not size)
        for name in sorted(names)
        for size in [None if kept.settled is None else known.get(name, 0)]
    ]


def _read(file: _File, faults: list[Fault]) -> Iterator[tuple[float, _File, Read | None]]:
    """Yields time, file and line in order; a line of None stands where a run ended. Lines that were changed are noted.

    Times never go back: a line that comes after another one is judged after it, whatever its time.
    """
    if not file.path.is_file():
        return
    last_at = 0.0
    with file.path.open("rb") as opened:
        for read in read_lines(opened):
            file.lines, file.seal, file.end = read.number, read.seal or file.seal, read.end
            if read.end == file.size and _mark(read.seal) == file.mark:
                file.is_met = True
            match read.said:
                case Tampered():
                    faults.append(Fault(read.number, read.said.why, file.writer.file))
                    continue
                case Gap():
                    why = "the crawl found lines missing that it had settled"
                    faults.append(Fault(read.number, why, file.writer.file))
                case None:
                    continue
            if isinstance(read.said, Terms) and read.said.is_new_run:
                yield last_at, file, None
            last_at = max(last_at, read.said.at)
            yield last_at, file, read
    yield last_at, file, None


def _check_end(file: _File) -> list[Fault]:
    if file.is_met or file.size is None:
        return []
    if not file.path.is_file():
        return [Fault(0, f"the file is missing: {file.size:,} bytes of it were settled", file.writer.file)]
    what = "lines that were settled are missing" if file.end < file.size else "the settled end is another one"
    why = f"{what}: {file.size:,} bytes were settled, the file has {file.end:,}"
    return [Fault(file.lines, why, file.writer.file)]


def _seal_of(files: Sequence[_File]) -> str:
    """Returns the last seal, or a hash of those of all files."""
    if len(files) == 1:
        return files[0].seal
    said = "".join(f"{one.writer.file} {one.seal}\n" for one in files)
    return sha256(said.encode()).hexdigest()[:SEAL]


def _find_files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / AUDIT, *folder.glob(f"{AUDIT}.*")) if path.is_file())


def _find_site(text: str) -> str:
    """Returns the site that is named; empty: none is. Raises UrlError."""
    return urls.parse(text if "://" in text else f"https://{text}").site if text else ""


def _mark(seal: str) -> int:
    try:
        return int(seal[:15], 16)
    except ValueError:
        return -1
