"""Reads PDF files: their text, their links, and their statements about themselves. It needs the extra `pdf`.

PDFium does the work, in the worker's own process. A file that makes it loop, grow or crash meets the limits of a page:
the worker is ended, and that page alone fails.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import closing

import pypdfium2
from pypdfium2 import raw

from .job import ParseJob
from .pdf_moments import moment
from .reading import Reading, one_line

MOST_PAGES = 500
"""Pages that are read. The number of all pages is told."""
MOST_TEXT = 1 << 20
"""Characters of text that are read."""
MOST_SAID = 2000
"""Characters of a statement, such as its title."""
MOST_URL = 8192


def read(body: bytes, url: str, job: ParseJob) -> Reading:
    """Reads a file. One that is damaged or locked by a password is noted, and has no text."""
    reading = Reading(base=url)
    try:
        with closing(pypdfium2.PdfDocument(body)) as document:
            _read_document(document, reading, job)
    except pypdfium2.PdfiumError as error:
        reading.add_note(f"the PDF file could not be read: {one_line(str(error), 200)}")
    return reading


def _read_document(document: pypdfium2.PdfDocument, reading: Reading, job: ParseJob) -> None:
    said = {name.lower(): one_line(text, MOST_SAID) for name, text in document.get_metadata_dict().items()}
    reading.title, reading.description = said.get("title", ""), said.get("subject", "")
    pages, texts, links = len(document), list[str](), dict[str, None]()
    left = MOST_TEXT
    for number in range(min(pages, MOST_PAGES)):
        with closing(document[number]) as page:
            if left > 0:
                texts.append(_read_text(page, left))
                left -= len(texts[-1])
            for link in _find_links(document, page):
                links[link] = None
                if len(links) > job.max_links:
                    break
    if pages > MOST_PAGES:
        reading.add_note(f"only the first {MOST_PAGES} of {pages} pages were read")
    reading.words = "\n\n".join(filter(None, texts))
    reading.hrefs = list(links) if "anchors" in job.follow else []
    if job.wants_text:
        reading.text, reading.text_from = reading.words, "pdf"
    reading.pdf = {
        "pages": pages, "author": said.get("author") or None, "keywords": said.get("keywords") or None,
        "program": said.get("creator") or said.get("producer") or None, "created": moment(said.get("creationdate", "")),
        "modified": moment(said.get("moddate", "")),
    }  # fmt: skip


def _read_text(page: pypdfium2.PdfPage, most: int) -> str:
    with closing(page.get_textpage()) as text:
        found: str = text.get_text_bounded()[:most]  # asks for the length of what it writes; a range guesses it
    return found.replace("\r\n", "\n").replace("\ufffe", "").replace("\x00", "").strip()


def _find_links(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> Iterator[str]:
    """Yields the addresses that annotations of a page lead to."""
    at, link = ctypes.c_int(0), raw.FPDF_LINK()
    while raw.FPDFLink_Enumerate(page, at, link):
        action = raw.FPDFLink_GetAction(link)
        if action and raw.FPDFAction_GetType(action) == raw.PDFACTION_URI:
            size = raw.FPDFAction_GetURIPath(document, action, None, 0)
            if 1 < size <= MOST_URL:
                buffer = ctypes.create_string_buffer(size)
                raw.FPDFAction_GetURIPath(document, action, buffer, size)
                yield buffer.value.decode("utf-8", "replace")
