"""A body as it came over the wire becomes a Page. Pure: it runs in worker processes and may not wait."""

from .job import Content, Document, Job
from .page import parse

__all__ = ["Content", "Document", "Job", "parse"]
