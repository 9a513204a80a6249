"""Writes a verdict as JUnit XML, which servers for continuous integration show as tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from ..export.target import open_target
from ..runtime.escaping import escape_text
from .verdict import CheckVerdict, Judged

MOST_SHOWN = 10
"""Pages of a finding that are listed."""


def write_junit(verdict: CheckVerdict, path: Path | None) -> None:
    """Writes the file, whole or not at all: a test for each finding. Raises FolderError, StorageFull, SinkError.

    New findings that fail the check are failures, known ones and lesser ones are skipped; with none there is one test
    that passes.
    """
    with open_target(path) as file:
        for line in _lines(verdict):
            file.write(f"{line}\n".encode("utf-8", "replace"))


def _lines(verdict: CheckVerdict) -> Iterator[str]:
    total, failed = len(verdict.findings) or 1, len(verdict.fatal)
    skipped = len(verdict.findings) - failed
    counts = f'tests="{total}" failures="{failed}" errors="0" skipped="{skipped}"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="crawl check" {counts}>'
    yield f"<testsuite name={_quote(verdict.site or 'crawl check')} {counts}>"
    if not verdict.findings:
        yield '<testcase classname="crawl check" name="no findings"/>'
    for one in verdict.findings:
        yield from _case(one)
    yield "</testsuite>"
    yield "</testsuites>"


def _case(one: Judged) -> Iterator[str]:
    found = one.finding
    name = f"{found.url}{f' ({found.detail})' if found.detail else ''}"
    yield f"<testcase classname={_quote(found.code)} name={_quote(name)}>"
    if one.is_fatal:
        message = f"{found.code}: {name}"
        yield f"<failure type={_quote(str(found.severity))} message={_quote(message)}>{_text(one)}</failure>"
    else:
        yield f"<skipped message={_quote('known' if one.state == 'known' else f'new, {found.severity}')}/>"
    yield "</testcase>"


def _text(one: Judged) -> str:
    pages = [f"on {page.url}{f': {page.text}' if page.text else ''}" for page in one.finding.pages[:MOST_SHOWN]]
    if (left := one.finding.n_pages - len(pages)) > 0 and pages:
        pages.append(f"and on {left:,} more")
    return "\n".join(escape(escape_text(line)) for line in [*pages, one.finding.advice])


def _quote(text: str) -> str:
    return quoteattr(escape_text(text))
