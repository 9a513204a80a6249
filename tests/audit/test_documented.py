"""docs/findings.md lists every finding, as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

from crawler.audit import FINDINGS
from crawler.parse.structured import REQUIRED

DOCS = Path(__file__).parent.parent.parent / "docs"
_ROW = re.compile(r"^\| `([a-z-]+)` \| (error|warning|notice) \| .+ \| (.+) \|$", re.MULTILINE)


def test_every_finding_is_documented_with_its_severity_and_advice() -> None:
    listed = _ROW.findall((DOCS / "findings.md").read_text("utf-8"))
    assert listed == [(one.code, str(one.severity), one.advice) for one in FINDINGS.values()]


def test_every_required_field_of_structured_data_is_documented() -> None:
    listed = re.findall(r"^\| `([A-Za-z]+)` \| (`.+`) \|$", (DOCS / "findings.md").read_text("utf-8"), re.MULTILINE)
    fields = {kind: tuple(one.replace("`", "").replace(" or ", "|") for one in row.split(", ")) for kind, row in listed}
    assert fields == REQUIRED
