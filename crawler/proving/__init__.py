"""Checks the audit of a crawl's requests offline, without the code that crawled (docs/proof.md)."""

from __future__ import annotations

from .letter import write_letter
from .proving import prove_files, prove_folder, prove_folders, settled_audits
from .verdicts import Breach, Fault, Proof, SiteVerdict

__all__ = [
    "Breach",
    "Fault",
    "Proof",
    "SiteVerdict",
    "prove_files",
    "prove_folder",
    "prove_folders",
    "settled_audits",
    "write_letter",
]
