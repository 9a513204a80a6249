"""Fails where a crawl treated a site worse than it should, by the record of its requests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from crawler.folder.folder import read_folder
from crawler.proving import Proof, prove_folder
from crawler.settings import Config

SHOWN_SITES, SHOWN_BREACHES, SHOWN_FAULTS = 5, 5, 5


def assert_polite(folder: str | os.PathLike[str], *, site: str = "") -> Proof:
    """Checks the audit of a crawl folder as `crawl prove` does, and returns what it proves.

    `site` is the only one that is judged, given by any of its URLs; empty: all. Raises AssertionError, with a line for
    each request that should not have left, or not then; where the record was changed; and where there is no request at
    all. Raises FolderError where the folder has no audit.
    """
    proof = prove_folder(read_folder(Path(folder), Config()), site)
    if not proof.requests:
        raise AssertionError(f"{folder}: no request on record, so nothing was shown")
    if not proof.is_kept:
        raise AssertionError("\n".join([f"{folder}: not all sites were treated as they should", *_tell(proof)]))
    return proof


def _tell(proof: Proof) -> Iterator[str]:
    """Yields the findings in lines."""
    for fault in proof.faults[:SHOWN_FAULTS]:
        yield f"  line {fault.line} of {fault.file}: {fault.why}"
    if len(proof.faults) > SHOWN_FAULTS:
        yield f"  and {len(proof.faults) - SHOWN_FAULTS} more such lines"
    breached = [one for one in proof.sites if not one.is_kept]
    for verdict in breached[:SHOWN_SITES]:
        yield f"{verdict.site}: {verdict.n_breaches} of {verdict.requests} requests"
        for breach in verdict.breaches[:SHOWN_BREACHES]:
            yield f"  line {breach.line} of {breach.file}: {breach.kind}: {breach.url}: {breach.why}"
        if verdict.n_breaches > SHOWN_BREACHES:
            yield f"  and {verdict.n_breaches - SHOWN_BREACHES} more"
    if len(breached) > SHOWN_SITES:
        yield f"and {len(breached) - SHOWN_SITES} more sites"
