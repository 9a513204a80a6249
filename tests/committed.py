"""The files of this repository, as they are under version control or came in an archive of its sources."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = (".ci", "benchmarks", "cli", "config", "crawler", "docs", "tests")
MADE = {"__pycache__", ".hypothesis", ".pytest_cache"}


def list_committed() -> Iterator[Path]:
    """Every file under version control; from an unpacked archive, every file of the folders that are."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        candidates = [ROOT / name for name in listed.split("\0") if name]
    else:
        candidates = [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    yield from (path for path in candidates if path.is_file() and not MADE & {*path.parts})
