"""Reads what an answer says about its use: its header fields, and the metas of a page."""

from __future__ import annotations

from ..model import Statement
from ..usage import read_directives, read_fields, read_tdm
from ..usage.words import MOST_STATEMENTS
from . import directives, kinds
from .job import USAGE_FIELDS, Document, ParseJob
from .reading import Reading


def statements(reading: Reading, document: Document, job: ParseJob) -> tuple[Statement, ...]:
    """Returns the statements of the header and of the metas, whose directives `reading` has. Call it before `fields`.

    Of TDMRep the meta counts before the header.
    """
    is_image = kinds.essence(document.content_type).startswith("image/")
    said = {name: [value for key, value in document.preferences if key == name] for name in USAGE_FIELDS}
    tags = (directives.for_us(value, job.agent) for value in document.robots)
    found = read_directives(tags, "header", "X-Robots-Tag", is_image=is_image)
    found += read_directives(reading.directives, "meta", "robots", is_image=False)
    for name in ("content-signal", "content-usage"):
        found += read_fields(name, said[name], "header")
    policy = f", tdm-policy: {said['tdm-policy'][0]}" if said["tdm-policy"] else ""
    if reading.tdm:
        found += read_tdm(reading.tdm, "meta", f"tdm-reservation: {reading.tdm}")
    elif said["tdm-reservation"]:
        value = said["tdm-reservation"][0]
        found += read_tdm(value, "header", f"tdm-reservation: {value}{policy}")
    return tuple(found[:MOST_STATEMENTS])
