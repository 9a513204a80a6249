"""Takes out of an HTML page what its record wants: text, markdown, metadata, structured data."""

from __future__ import annotations

import turbohtml

from . import embedded, markdown, metadata
from .job import ParseJob
from .main_text import Main, copy_seen, find_main
from .reading import Reading


def note(reading: Reading, document: turbohtml.Document, job: ParseJob) -> None:
    """Notes what the job asks for; the tree stays as it is. Text and markdown are made of one element."""
    wants_text = job.wants_text or job.wants_metadata or (job.wants_markdown and job.wants_sketch)
    found = _choose(document, job) if wants_text or job.wants_markdown else None
    text = found.text if found and wants_text else ""
    if job.wants_metadata or job.wants_structured:
        _note_said(reading, document, text, job)
    if found and (job.wants_text or job.wants_markdown):
        reading.text_from = found.part
        reading.text = text if job.wants_text else ""
        reading.main_text = text
        reading.markdown = markdown.render(found.element, reading.base) if job.wants_markdown else ""


def _choose(document: turbohtml.Document, job: ParseJob) -> Main | None:
    if job.part == "main" and job.quality == "best":
        from .best_text import find_best  # noqa: PLC0415 - it needs an extra, and half a second to be imported

        return find_best(document) or find_main(document)
    if job.part == "main":
        return find_main(document)
    body = copy_seen(document)
    return Main(body, "page") if body is not None else None


def _note_said(reading: Reading, document: turbohtml.Document, text: str, job: ParseJob) -> None:
    said = embedded.read(document, reading.base)
    if not said.is_whole:
        reading.add_note(f"only the first {embedded.MOST_VALUES} values of its structured data were read")
    if job.wants_structured:
        reading.structured = said.kinds
    if job.wants_metadata:
        reading.metadata = metadata.read(document, said, reading.base, text)
