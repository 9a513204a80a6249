"""Declares the settings of what a crawl keeps to prove how it treated sites."""

from __future__ import annotations

from .table import Table


class ProofConfig(Table):
    """Proof of politeness ([proof.md](proof.md))."""

    audit_requests: bool = True
    """Record each request in `requests.audit` before it leaves, with its grounds, and keep each robots.txt: `crawl
    prove` checks them."""
