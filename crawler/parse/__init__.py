"""Turns a body from the network into a Page. It is pure: it runs in worker processes and may not wait."""

from __future__ import annotations

from ..model import Page
from .job import ROBOTS_PATH, Content, Document, ParseJob, make_document, values_of
from .parsed import Link, Parsed
from .parsers import Label, Parsers
from .sitemap import FIRST as SITEMAP_FIRST

__all__ = [
    "ROBOTS_PATH",
    "SITEMAP_FIRST",
    "Content",
    "Document",
    "Label",
    "Link",
    "ParseJob",
    "Parsed",
    "Parsers",
    "make_document",
    "parse",
    "values_of",
]


def parse(document: Document, job: ParseJob) -> Page:
    """Returns the page that a body holds. Raises ParseError and nothing else, for any bytes.

    It loads the parsers when it is first called: the process that sends pages to workers needs none of them.
    """
    from .page import parse as read

    return read(document, job)
