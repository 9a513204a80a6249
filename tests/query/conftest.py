"""A crawl folder with records that no crawl had to make."""

from __future__ import annotations

from tests.export.conftest import make

__all__ = ["make"]
