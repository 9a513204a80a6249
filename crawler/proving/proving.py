"""Reads an audit from its first line to its last, and says what it proves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .. import urls
from ..errors import FolderError
from ..folder.folder import Folder
from ..frontier import look
from .bodies import Bodies
from .judging import Judge
from .lines import Gap, Tampered, read_lines
from .verdicts import Fault, Proof

AUDIT, BODIES = "requests.audit", "robots.kept"
MOST_FAULTS = 1000


class Settled(NamedTuple):
    """How long the audit was when outcomes were settled last, and the first 60 bits of its seal there."""

    size: int
    mark: int


def prove_folder(folder: Folder, site: str = "") -> Proof:
    """Checks the audit of a crawl folder, also while a crawl writes to it. Blocks. Raises FolderError, FrontierError.

    `site` is the only one that is judged, given by any of its URLs or as a host of https; empty: all. Raises UrlError.
    """
    site = _find_site(site)
    path = folder.path / AUDIT
    if not path.is_file():
        raise FolderError(
            f"{folder.path} holds no {AUDIT}: its crawl recorded no requests (proof.audit_requests = false, or it was"
            " made by an older version)"
        )
    settled = None
    if folder.frontier_path.exists():
        settled = _settled(look(folder.frontier_path, lambda opened: opened.positions()).get(AUDIT, {}))
    proof = prove_files(path, folder.path / BODIES, settled, site)
    if site and not proof.sites:
        raise FolderError(f"{path} has no request to {site}: a site is written as https://example.org")
    return proof


def prove_files(audit: Path, bodies: Path, settled: Settled | None = None, site: str = "") -> Proof:
    """Checks an audit and the robots.txt files that belong to it. Blocks. Raises OSError."""
    judge, faults = Judge(Bodies(bodies), site), list[Fault]()
    lines, seal, size, is_met = 0, "", 0, settled is None or not settled.size
    with audit.open("rb") as file:
        for read in read_lines(file):
            lines, seal, size = read.number, read.seal or seal, read.end
            if settled and read.end == settled.size and _mark(read.seal) == settled.mark:
                is_met = True
            if isinstance(read.said, Tampered):
                faults.append(Fault(read.number, read.said.why))
                continue
            if isinstance(read.said, Gap):
                faults.append(Fault(read.number, "the crawl found lines missing that it had settled"))
            if read.said is not None:
                judge.take(read.said, read.number)
    judge.finish()
    if not is_met and settled:
        what = "lines that were settled are missing" if size < settled.size else "the settled end is another one"
        faults.append(Fault(lines, f"{what}: {settled.size:,} bytes were settled, the file has {size:,}"))
    remarks = () if settled else ("there is no frontier beside it: lines missing at its end would not show",)
    sites = sorted((one.verdict for one in judge.sites.values()), key=lambda one: (one.is_kept, -one.requests))
    said = judge.terms.said
    return Proof(
        judge.requests, judge.runs, judge.unended, seal, lines, judge.terms.agent, str(said.get("user_agent", "")),
        tuple(faults[:MOST_FAULTS]), tuple(sites), tuple(judge.changes), remarks,
    )  # fmt: skip


def _find_site(text: str) -> str:
    """Returns the site that is named; empty: none is. Raises UrlError."""
    return urls.parse(text if "://" in text else f"https://{text}").site if text else ""


def _settled(position: Mapping[str, int]) -> Settled | None:
    return Settled(position[AUDIT], position.get(f"{AUDIT}#", 0)) if AUDIT in position else None


def _mark(seal: str) -> int:
    try:
        return int(seal[:15], 16)
    except ValueError:
        return -1
