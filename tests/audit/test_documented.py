"""docs/findings.md lists every finding, as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

from crawler.audit import CODES

DOCS = Path(__file__).parent.parent.parent / "docs"
_ROW = re.compile(r"^\| `([a-z-]+)` \| (error|warning|notice) \| .+ \| (.+) \|$", re.MULTILINE)


def test_every_finding_is_documented_with_its_severity_and_advice() -> None:
    listed = _ROW.findall((DOCS / "findings.md").read_text("utf-8"))
    assert listed == [(one.code, str(one.severity), one.advice) for one in CODES.values()]
