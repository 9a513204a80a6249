"""Turns a body from the network into a Page. It is pure: it runs in worker processes and may not wait."""

from .job import ROBOTS_PATH, Content, Document, ParseJob, make_document, values_of
from .page import parse
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
