"""Crawls a site of our own with --warc, and has pywb, warcio, fastwarc, cdxj-indexer, py-wacz and ReplayWeb.page judge.

`python -m tests.archive_check [NAME ...]` makes the checks that are named, or all. It installs the tools into venvs of
their own, beside the one for work. It ends with 1 if something is not as it should be.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import anyio

from tests.archive_check.checks import CHECKS
from tests.archive_check.crawling import crawl_site
from tests.archive_check.tools import Tools


def main() -> int:
    wanted = sys.argv[1:] or list(CHECKS)
    venv = Path(os.environ.get("VENV", ".venv")).absolute()
    tools = Tools(venv.with_name(f"{venv.name}-archives"))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="crawld-archives-") as folder:
        first, second = anyio.run(crawl_site, Path(folder), tools)
        for name in wanted:
            told, faults = CHECKS[name](first, second)
            failed += bool(faults)
            print(f"{name:<14} {'FAILED' if faults else 'ok':<7} {told}", flush=True)
            for fault in faults[:20]:
                print(f"    {fault}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
