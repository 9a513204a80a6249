"""Writes the page of a report in a process of its own, so that whoever asks for it goes on meanwhile.

`python -m crawler.site_report FOLDER FILE`. An error is one line on standard error, and the exit code 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import CrawlError
from ..folder.folder import read_folder
from ..settings import Config
from .reporting import write_site_report


def main(folder: str, out: str) -> int:
    try:
        write_site_report(read_folder(Path(folder), Config()), Path(out))
    except CrawlError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:3]))
