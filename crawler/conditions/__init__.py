"""Conditions over the fields of records, in words: `status >= 400 and depth < 3` (docs/exporting.md)."""

from __future__ import annotations

from .condition import Condition, parse_condition
from .fields import Fields, Kind
from .words import BadCondition

__all__ = ["BadCondition", "Condition", "Fields", "Kind", "parse_condition"]
