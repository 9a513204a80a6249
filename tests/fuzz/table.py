"""All fuzz targets."""

from __future__ import annotations

from tests.fuzz import addresses, documents, doors, lists

TARGETS = [*documents.TARGETS, *addresses.TARGETS, *lists.TARGETS, *doors.TARGETS]
