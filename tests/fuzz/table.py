"""All fuzz targets."""

from __future__ import annotations

from tests.fuzz import addresses, archives, documents, doors, extraction, lists

TARGETS = [
    *documents.TARGETS,
    *addresses.TARGETS,
    *lists.TARGETS,
    *archives.TARGETS,
    *doors.TARGETS,
    *extraction.TARGETS,
]
