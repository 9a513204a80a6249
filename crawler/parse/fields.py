"""Reads from the header fields of an answer where its page leads, and what robots may do with it.

Standards: RFC 8288 (Link, as if each were a `<link>` of the page), WHATWG HTML (Refresh).
"""

from __future__ import annotations

from .. import urls
from . import directives, header, requisites
from .job import Document, ParseJob
from .links import kinds_of_link
from .microsyntax import refresh_target
from .reading import Reading


def note(reading: Reading, document: Document, job: ParseJob) -> None:
    """Adds the header's data to that of the body. Links of a header are relative to the document, not to `<base>`."""
    for value in document.robots:
        if ours := directives.for_us(value, job.agent):
            reading.directives.append(ours)
    for value in document.links:
        for link in header.links(value):
            _note_link(reading, link, document.url.text, job)
    if document.refresh and (target := refresh_target(document.refresh)) is not None:
        reading.refresh = urls.resolve_absolute(target, document.url.text)
    if "anchors" in job.follow:
        reading.hrefs += document.led_to


def _note_link(reading: Reading, link: header.Link, url: str, job: ParseJob) -> None:
    anchor = link.parameters.get("anchor", "")
    if anchor and urls.resolve_absolute(anchor, url).partition("#")[0] != url:
        return  # it belongs to another document
    relations = link.relations
    kinds = kinds_of_link(relations, link.parameters.get("type", ""))
    is_needed = job.most_requisites > 0 and requisites.is_needed(relations)
    if not (kinds or is_needed):
        return
    target = urls.resolve_absolute(link.target, url)
    if is_needed:
        reading.requisites.append(target)
    if not kinds.isdisjoint(job.follow) and reading.follows(relations, job):
        reading.hrefs.append(target)
    if "canonical" in kinds and not reading.canonical:
        reading.canonical = target
