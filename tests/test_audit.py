"""`make audit` says that it found nothing only where it asked somebody who would know."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parent.parent / ".ci/audit.py"
SPEC = importlib.util.spec_from_file_location("audit", PATH)
assert SPEC is not None
assert SPEC.loader is not None
audit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit)

LOCK = "alpha==1.0 \\\n    --hash=sha256:00\nbeta==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
BAD = {"id": "PYSEC-1", "fix_versions": ["9"]}
CANARY = {"name": "jinja2", "version": "2.10", "vulns": [BAD]}
ALPHA: dict[str, Any] = {"name": "alpha", "version": "1.0", "vulns": []}


@pytest.mark.parametrize(
    ("found", "code", "told"),
    [
        ([CANARY, ALPHA], 0, "nothing is known against any of 1 dependencies"),
        ([CANARY, ALPHA | {"vulns": [BAD]}], 1, "alpha 1.0: PYSEC-1, mended in 9"),
        ([ALPHA], 2, "known to be vulnerable"),
        ([CANARY | {"vulns": []}, ALPHA], 2, "known to be vulnerable"),
        (
            [{"name": "jinja2", "skip_reason": "not found"}, {"name": "alpha", "skip_reason": "not found"}],
            2,
            "not found",
        ),
        ([CANARY, {"name": "alpha", "skip_reason": "alpha was not found"}], 2, "alpha was not found"),
        ([CANARY], 2, "not looked up: alpha"),
    ],
)
def test_an_audit_that_asked_nobody_is_no_audit(found: list[dict[str, Any]], code: int, told: str) -> None:
    judged, lines = audit.judged({"dependencies": found}, LOCK)
    assert judged == code
    assert told in "\n".join(lines)
