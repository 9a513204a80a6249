"""Puts all that a crawl can show for itself into one signed file, and checks such a file without the crawl."""

from __future__ import annotations

from .checking import PackCheck, verify_pack
from .packing import pack_folder

__all__ = ["PackCheck", "pack_folder", "verify_pack"]
