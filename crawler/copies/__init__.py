"""Copies the finished files of a crawl to an object store while the crawl goes on."""

from __future__ import annotations

from .copies import Copies, open_copies
from .ledger import LEDGER

__all__ = ["LEDGER", "Copies", "open_copies"]
