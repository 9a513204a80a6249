"""Writes the report of a crawl folder to a file: an HTML page, JSON, or a table of all findings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ..audit import AuditLimits, Check, find
from ..audit.limits import DEFAULT
from ..errors import ConfigError
from ..export.source import Tell, read_source, tell_nobody
from ..export.target import open_target
from ..folder.folder import Folder
from ..metrics.course import read_course
from ..records import Record
from ..reports import Report
from ..reports.report import make_report
from ..reports.tally import Tally
from ..runtime.nearest import did_you_mean
from . import page
from .bounding import find_bounding
from .folder_records import FolderRecords, translate_errors
from .listing import write_csv, write_json
from .ranking import collect_links
from .sections import SHOWN_PAGES, gather
from .timeline import Timeline

FORMATS = ("html", "json", "csv")
"""Formats of a report, by the endings of their files."""


class _Counts:
    """The records that are read for findings, counted on the way."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.timeline = Timeline()

    def add(self, record: Record) -> None:
        self.tally.add(record)
        self.timeline.add(record)

    def report(self, unreadable: int) -> Report:
        self.tally.unreadable += unreadable
        return make_report(self.tally, time.time(), 1.0)


def write_site_report(
    folder: Folder,
    path: Path | None,
    format: str = "html",
    *,
    checks: Sequence[Check] = (),
    limits: AuditLimits = DEFAULT,
    tell: Tell = tell_nobody,
) -> None:
    """Writes the report of a folder's crawl to the file `path` (None: standard output); a crawl may run in it.

    `html` is one page that needs no other file; it shows the first findings of each code. `json` and `csv` hold all
    findings with all their pages. The file appears whole, or not at all. Blocks: 100,000 pages take 15 to 30 seconds.
    `tell` is told how many bytes of how many were read. Raises ConfigError for an unknown format, FolderError,
    FrontierError, StorageFull, SinkError.
    """
    if format not in FORMATS:
        near = did_you_mean(format, FORMATS, f"; there are {', '.join(FORMATS)}")
        raise ConfigError(f"a report cannot be made as {format!r}{near}")
    counts = _Counts()
    with translate_errors():
        source = read_source(folder, tell)
        records = FolderRecords(source, counts.add)
        most = SHOWN_PAGES if format == "html" else None
        with open_target(path) as file, collect_links() as links:
            watch = links.add if format == "html" else None
            findings = find(records, checks=checks, limits=limits, most_pages=most, watch=watch)
            if format == "html":
                sections = gather(findings)
                report = counts.report(records.unreadable)
                bounding = find_bounding(list(read_course(folder.path)))
                made = page.make(source.title, report, counts.timeline, sections, bounding, links.rank())
                file.write(made.encode())
            elif format == "csv":
                write_csv(findings, file)
            else:
                write_json(findings, {"crawl": source.title}, file)
