"""The format `sitemap`: sitemap.xml for each site of a crawl, as sitemaps.org and RFC 9309's readers want it.

A site gets one file, or an index and parts where it has more than 50,000 pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ..errors import FolderError
from ..records import media_type
from ..runtime.private_files import make_folder, opener
from ..sinks.bulk import load_records
from ..warc.sorting import sort_lines
from .newest import Newest, open_newest
from .source import Source

MOST_URLS = 50_000
MOST_BYTES = 50 << 20
"""The bounds of a sitemap (sitemaps.org)."""
MOST_CHARS = 2048
"""The longest URL that a sitemap may hold."""
INDEX = "sitemap.xml"
_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/pdf"})
_OK = 200
_MARK = b'"status":200'
_XMLNS = "http://www.sitemaps.org/schemas/sitemap/0.9"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_UNINDEXED = re.compile(r"(?:^|[\s,:])(?:noindex|none)(?:$|[\s,])", re.IGNORECASE)
_URL = re.compile(r"https?://[a-z0-9_\[][a-z0-9_.:\[\]-]*/[!-~]*")
"""Canonical URLs. Their hosts are safe as names of folders."""
_DATE = re.compile("[A-Za-z]{3}, [0-9]{2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")


def write_sitemap(source: Source, folder: Path) -> None:
    """Writes the sitemaps of all sites into an empty folder: one site's right there, those of several in a folder each.

    They name the pages that answered 200 at their newest visit, are their own canonical page, have no other page's
    content, and ask no search engine to leave them out. Raises FolderError where there are none, OSError.
    """
    with open_newest(source, folder) as newest, sort_lines(_entries(source, newest), folder) as lines:
        sites = [_write_site(folder, site, entries) for site, entries in groupby(lines, key=_site)]
    if not sites:
        raise FolderError(f"{source.folder.path} holds no page that a sitemap could name")
    if len(sites) == 1:
        for path in sites[0].iterdir():
            path.rename(folder / path.name)
        sites[0].rmdir()


def _entries(source: Source, newest: Newest) -> Iterator[bytes]:
    """Yields a line for each page: its host, its scheme, its URL and when it changed, with spaces between them."""
    for lines in source.batches():
        for record in load_records([line for line in lines if _MARK in line]):
            if is_listed(record) and newest.has(record):
                scheme, _, rest = record["url"].partition("://")
                yield f"{rest.partition('/')[0]} {scheme} {record['url']} {_find_change(record)}\n".encode()


def is_listed(record: dict[str, Any]) -> bool:
    """Returns whether a sitemap names the page of this record, if it is the newest one of its URL."""
    url = record.get("url")
    return (
        record.get("status") == _OK
        and isinstance(url, str)
        and len(url) <= MOST_CHARS
        and _URL.fullmatch(url) is not None
        and record.get("disposition") in ("fetched", "unchanged")
        and not any(record.get(name) for name in ("requisite", "extra_hop", "method", "request_id"))
        and media_type(record.get("content_type") or "") in _PAGES
        and record.get("canonical") in (None, url)
        and not _UNINDEXED.search(record.get("robots") or "")
    )


def _find_change(record: dict[str, Any]) -> str:
    """Returns the moment that Last-Modified names, if it is one before the visit; else nothing."""
    text = record.get("last_modified") or ""
    if _DATE.fullmatch(text):
        with suppress(ValueError, OverflowError):
            moment = parsedate_to_datetime(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return moment if moment <= (record.get("fetched_at") or "") else ""
    return ""


def _site(line: bytes) -> tuple[str, str]:
    host, scheme, _ = line.decode().split(" ", 2)
    return host, scheme


def _write_site(folder: Path, site: tuple[str, str], entries: Iterator[bytes]) -> Path:
    """Writes the sitemaps of one site into a folder of its own, which is returned."""
    host, scheme = site
    place = folder / (host.replace(":", "_") if scheme == "https" else f"{host.replace(':', '_')}-{scheme}")
    make_folder(place)
    parts = _write_parts(place, entries)
    if len(parts) == 1:
        parts[0].rename(place / INDEX)
        return place
    with open(place / INDEX, "xb", opener=opener) as file:
        file.write(f'{_HEAD}<sitemapindex xmlns="{_XMLNS}">\n'.encode())
        for part in parts:
            file.write(f"<sitemap><loc>{_escape(f'{scheme}://{host}/{part.name}')}</loc></sitemap>\n".encode())
        file.write(b"</sitemapindex>\n")
    return place


def _write_parts(place: Path, entries: Iterator[bytes]) -> list[Path]:
    """Writes as many files as the bounds ask for."""
    parts: list[Path] = []
    rest = map(_make_entry, entries)
    entry = next(rest, None)
    while entry is not None:
        parts.append(place / f"sitemap-{len(parts) + 1}.xml")
        with open(parts[-1], "xb", opener=opener) as file:
            end, n = b"</urlset>\n", 0
            size = file.write(f'{_HEAD}<urlset xmlns="{_XMLNS}">\n'.encode()) + len(end)
            while entry is not None and n < MOST_URLS and size + len(entry) <= MOST_BYTES:
                size += file.write(entry)
                n += 1
                entry = next(rest, None)
            file.write(end)
    return parts


def _make_entry(line: bytes) -> bytes:
    _, _, url, change = line.decode().rstrip("\n").split(" ")
    changed = f"<lastmod>{change}</lastmod>" if change else ""
    return f"<url><loc>{_escape(url)}</loc>{changed}</url>\n".encode()


def _escape(text: str) -> str:
    return escape(text, {"'": "&apos;", '"': "&quot;"})
