"""Does pieces of work one after the other: what a thread or a process of its own does."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from http.client import HTTPConnection
from urllib.parse import urlsplit

from ..assembly import parts
from ..model import Page, Url
from ..parse import Document, ParseJob, parse
from ..settings import Config
from .measures import Work
from .pages import make_pages

READY = 200
"""Pages that are parsed again and again where nothing is fetched."""


def do_until(work: Work, origin: str, until: float) -> int:
    """Does pieces of work until a time of the system clock, one at least, and returns how many."""
    job, bodies = make_job(), ready_bodies() if work is Work.CPU else []
    connection = HTTPConnection(urlsplit(origin).netloc, timeout=10)
    done = 0
    try:
        while True:
            body = _fetch(connection, f"/w/{done}") if work.fetches else bodies[done % READY]
            if work.parses:
                parse_one(body, f"{origin}/{done}", job)
            done += 1
            if time.time() >= until:
                break
    finally:
        connection.close()
    return done


def begin_process() -> None:
    """Gets a process ready: all is imported and has run once."""
    parse_one(ready_bodies()[0], "http://127.0.0.1/", make_job())


def parse_one(body: bytes, url: str, job: ParseJob) -> Page:
    """Parses a page as a crawl does."""
    return parse(document(body, url), job)


def document(body: bytes, url: str) -> Document:
    return Document(Url(url), body, "text/html; charset=utf-8", anchor=Url(url))


@cache
def ready_bodies() -> list[bytes]:
    return make_pages(READY)


@cache
def make_job() -> ParseJob:
    """Returns what a crawl with settings as they come asks of a page."""
    config = Config()
    return replace(parts.job(config, parts.scope(config), b"measure"), run=b"measure")


def _fetch(connection: HTTPConnection, target: str) -> bytes:
    connection.request("GET", target)
    return connection.getresponse().read()
