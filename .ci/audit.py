"""Holds every locked dependency against the advisories of the Python Packaging Authority, with pip-audit.

Ends with 0 when all were looked up and nothing is known against them, with 1 when something is, and with 2 when the
advisories could not be asked: an audit that asked nobody finds nothing, and pip-audit would call that success. So a
release known to be vulnerable is asked about as well; where nothing is said against that one, nobody was asked.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TOOL = "pip-audit==2.10.1"
CANARY = "jinja2==2.10"
"""PYSEC-2019-217."""
CLEAN, VULNERABLE, NOT_AUDITED = range(3)


def main(lock: Path) -> int:
    """Audit the file of pinned requirements; say what was found."""
    with tempfile.TemporaryDirectory() as folder:
        asked, report = Path(folder, "asked.txt"), Path(folder, "report.json")
        asked.write_text(f"{lock.read_text()}\n{CANARY} --hash=sha256:{'0' * 64}\n")
        ran = subprocess.run(_command(asked, report), env=_environment(), capture_output=True, text=True, check=False)
        if not report.exists():
            last = (ran.stderr.strip() or "pip-audit said nothing").splitlines()[-1]
            return _tell(NOT_AUDITED, [f"the advisories cannot be reached: {last[:300]}"])
        return _tell(*judged(json.loads(report.read_text()), lock.read_text()))


def judged(report: dict[str, Any], lock: str) -> tuple[int, list[str]]:
    """The exit code, and what there is to say, for a report of pip-audit about this lock and the canary."""
    found = {one["name"]: one for one in report["dependencies"]}
    canary = found.pop(CANARY.partition("==")[0], {})
    pins = re.findall(r"^([a-z0-9._-]+)==\S+( ;)?", lock, re.MULTILINE)  # a marker: perhaps not for this platform
    missing = [name for name, marker in pins if name not in found and not marker]
    skipped = [one["skip_reason"] for one in found.values() if "skip_reason" in one]
    if not canary.get("vulns"):
        return NOT_AUDITED, [
            "the advisories know nothing against a release that is known to be vulnerable",
            *skipped[:1],
        ]
    if missing or skipped:
        return NOT_AUDITED, [*skipped, *(f"not looked up: {name}" for name in missing)]
    known = [
        f"{one['name']} {one['version']}: {said['id']}, mended in {', '.join(said['fix_versions']) or 'no release'}"
        for one in found.values()
        for said in one["vulns"]
    ]
    return (VULNERABLE, known) if known else (CLEAN, [f"nothing is known against any of {len(found)} dependencies"])


def _command(asked: Path, report: Path) -> list[str]:
    """pip-audit apart from the environment it audits. AUDIT_SERVICE=osv asks another database."""
    uv = str(Path(__file__).with_name("uv"))
    return [
        uv, "tool", "run", "--quiet", TOOL, "--requirement", str(asked), "--require-hashes", "--disable-pip",
        "--vulnerability-service", os.environ.get("AUDIT_SERVICE", "pypi"), "--progress-spinner", "off",
        "--cache-dir", str(Path(sys.prefix, "audit")), "--format", "json", "--output", str(report),
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    """Name the certificates of the system, a company's own among them: pip-audit brings a list that knows none."""
    paths = ssl.get_default_verify_paths()
    system = paths.cafile or paths.capath
    return ({"REQUESTS_CA_BUNDLE": system} if system else {}) | os.environ


def _tell(code: int, lines: list[str]) -> int:
    verdict = {CLEAN: "audited", VULNERABLE: "VULNERABLE", NOT_AUDITED: "NOT AUDITED"}[code]
    for line in lines:
        print(f"{verdict}: {line}", file=sys.stdout if code == CLEAN else sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(Path("requirements-dev.lock")))
