"""The format `llms`: `llms.txt` and `llms-full.txt` of each site of a crawl, in the shape of llmstxt.org.

`llms.txt` names a site's pages by section with a line about each; `llms-full.txt` holds their texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import unquote, urlsplit

import orjson

from ..errors import FolderError
from ..records import tells_content
from ..runtime.private_files import make_folder, opener
from ..sinks.bulk import load_records
from ..warc.sorting import sort_lines
from .newest import Newest, open_newest
from .sitemap import is_listed
from .source import Source

LIST, FULL = "llms.txt", "llms-full.txt"
MOST_LINKS = 2000
"""Pages that `llms.txt` names, the first ones by depth: it is read whole."""
MOST_NOTE = 200
MOST_TITLE = 150
FEW = 3
"""Pages of one folder of the site below which they get no section of their own."""
_MARK = b'"status":200'
_REST = "Pages"
_END = re.compile(r"\s+[|–—·-]\s+[^|–—·]{1,80}$")


class _Page(NamedTuple):
    """One page of a site, in the order of depth and URL."""

    url: str
    title: str
    about: str
    name: str
    """The name of the site, as the page says it."""
    text: str


class _Link(NamedTuple):
    """A page as `llms.txt` names it."""

    section: str
    url: str
    title: str
    about: str


def write_llms(source: Source, folder: Path) -> None:
    """Writes both files of all sites into an empty folder: one site's right there, those of several in a folder each.

    They hold the pages that a sitemap would name (`-f sitemap`). Raises FolderError where there are none, or no texts;
    OSError.
    """
    has_texts = False
    with open_newest(source, folder, tells_content) as newest, sort_lines(_entries(source, newest), folder) as lines:
        for site, entries in groupby(lines, key=_site):
            has_texts = _write_site(folder, site, map(_read, entries)) or has_texts
    places = [*folder.iterdir()]
    if not places:
        raise FolderError(f"{source.folder.path} holds no page that llms.txt could name")
    if not has_texts:
        raise FolderError(f"{source.folder.path}: its records hold no texts; crawl with --markdown")
    if len(places) == 1:
        for path in places[0].iterdir():
            path.rename(folder / path.name)
        places[0].rmdir()


def _entries(source: Source, newest: Newest) -> Iterator[bytes]:
    """Yields a line for each page: host, scheme, depth and URL, by which it is sorted, and what is written of it."""
    for lines in source.batches():
        for record in load_records([line for line in lines if _MARK in line]):
            if is_listed(record) and newest.has(record):
                scheme, _, rest = record["url"].partition("://")
                depth = f"{min(int(record.get('depth') or 0), 99999):05}"
                yield f"{rest.partition('/')[0]} {scheme} {depth} {record['url']} ".encode() + _dump(record) + b"\n"


def _dump(record: dict[str, Any]) -> bytes:
    said = record.get("metadata") or {}
    values = (said.get("title") or record.get("title"), record.get("description"), said.get("site_name"))
    title, about, name = (" ".join(str(value or "").split()) for value in values)
    text = record.get("markdown") or record.get("text") or ""
    return orjson.dumps([record["url"], title, about, name, text])


def _site(line: bytes) -> tuple[str, str]:
    host, scheme, _ = line.decode().split(" ", 2)
    return host, scheme


def _read(line: bytes) -> _Page:
    return _Page(*orjson.loads(line.split(b" ", 4)[4]))


def _write_site(folder: Path, site: tuple[str, str], pages: Iterator[_Page]) -> bool:
    """Writes the two files of a site into a folder of its own; returns whether any page has a text."""
    host, scheme = site
    place = folder / (host.replace(":", "_") if scheme == "https" else f"{host.replace(':', '_')}-{scheme}")
    make_folder(place)
    links, home, total, has_texts = list[_Link](), None, 0, False
    with open(place / FULL, "xb", opener=opener) as file:
        for page in pages:
            home = home or page
            total += 1
            if len(links) < MOST_LINKS:
                links.append(_Link(_section(page.url), page.url, page.title, page.about))
            if page.text:
                has_texts = True
                _write_whole_text(file, page)
    assert home is not None
    with open(place / LIST, "xb", opener=opener) as file:
        file.write("\n".join(_list(home, host, links, total)).encode())
    return has_texts


def _write_whole_text(file: IO[bytes], page: _Page) -> None:
    """Writes one page: its title, where it stands, and its text without a heading that repeats the title."""
    first, _, rest = page.text.partition("\n")
    heading = first.startswith("# ")
    title = first[2:].strip() if heading else page.title or page.url
    file.write(f"# {title}\n\nSource: <{page.url}>\n\n{(rest if heading else page.text).strip()}\n\n".encode())


def _list(home: _Page, host: str, links: list[_Link], total: int) -> Iterator[str]:
    """Yields the lines of llms.txt: the name of the site, a quote that sums it up, sections of links."""
    common = _common_end([link.title for link in links])
    yield f"# {home.name or home.title or host}"
    yield ""
    if home.about:
        yield f"> {home.about}"
        yield ""
    counts = dict[str, int]()
    for link in links:
        counts[link.section] = counts.get(link.section, 0) + 1
    sections = [name for name, n in counts.items() if n >= FEW and name != _REST]
    for section in (_REST, *sections):
        chosen = [_line(one, common) for one in links if (one.section if one.section in sections else _REST) == section]
        if chosen:
            yield from (f"## {section}", "", *chosen, "")
    if total > len(links):
        yield f"{total - len(links)} more pages are in {FULL}."


def _common_end(titles: list[str]) -> str:
    """Returns the end that most titles share, such as the name of the site behind a dash; empty: there is none."""
    ends = Counter(found[0] for title in titles if (found := _END.search(title)))
    end, n = next(iter(ends.most_common(1)), ("", 0))
    return end if n > len(titles) // 2 and n > 1 else ""


def _line(link: _Link, common: str) -> str:
    title = link.title.removesuffix(common) or unquote(urlsplit(link.url).path, errors="replace")
    note = f": {_bare(link.about, MOST_NOTE)}" if link.about else ""
    url = f"<{link.url}>" if set("()") & set(link.url) else link.url
    return f"- [{_bare(title, MOST_TITLE)}]({url}){note}"


def _bare(text: str, most: int) -> str:
    """Returns a text that cannot end the link in which it stands."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return cut.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _section(url: str) -> str:
    """Returns the section of a page: the first folder of its path, in words."""
    first, slash, _ = urlsplit(url).path.strip("/").partition("/")
    words = " ".join(unquote(first, errors="replace").replace("-", " ").replace("_", " ").split())
    return words[:1].upper() + words[1:] if slash and words.isprintable() and words else _REST
