"""Writes objects in stores of Amazon, Google, Microsoft and others: whole, or not at all."""

from __future__ import annotations

from .objects import SCHEMES, check_bucket, check_url, is_remote, open_object

__all__ = ["SCHEMES", "check_bucket", "check_url", "is_remote", "open_object"]
