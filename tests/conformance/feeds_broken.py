"""Breaks real sitemaps and feeds in the ways people break them, and counts the links that are still found.

    python tests/conformance/feeds_broken.py FOLDER...

Run by hand. Each FOLDER holds feeds (`tests` of feedparser's repository has some hundred with links, that of chardet's
some hundred real ones). Those that are read without an error and have links are broken before their first entry.
Prints for each fault how many links of all are found, and for files that are faulty from the start how many are read.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from crawler import urls
from crawler.errors import ParseError
from crawler.parse import Document, kinds, xml
from crawler.parse.reading import Reading
from tests.defaults import make_job, make_scope

URL = urls.parse("http://h/feed.xml")
JOB = make_job(b"k", b"feeds", make_scope())
ENTRY = re.compile(rb"<(?:[\w-]+:)?(?:item|entry|url|sitemap|channel|feed|rss)(?=[\s>])[^<>]*>")
ROOT = re.compile(rb"<(?:[\w-]+:)?(?:rss|feed|RDF|urlset|sitemapindex)(?=[\s>])")


def inserted(fault: bytes) -> Callable[[bytes], bytes]:
    """Puts the fault where the first entry begins."""

    def broken(body: bytes) -> bytes:
        places = [tag for tag in ENTRY.finditer(body) if not tag[0].endswith(b"/>")]
        entries = [tag for tag in places if re.match(rb"<(?:[\w-]+:)?(?:item|entry|url|sitemap)\b", tag[0])]
        at = (entries or places)[0].end()
        return body[:at] + fault + body[at:]

    return broken


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "a raw ampersand": inserted(b"<title>A & B</title>"),
    "an ampersand in an address": inserted(b"<comments>http://h/?a=1&b=2</comments>"),
    "an entity of HTML": inserted(b"<title>caf&eacute;&nbsp;</title>"),
    "a control character": inserted(b"<title>A \x0b B</title>"),
    "an end tag too many": inserted(b"</p>"),
    "broken nesting": inserted(b"<b><i></b></i>"),
    "HTML that is not escaped": inserted(b"<description><p>x<br>y<img src=x></description>"),
    "a value without quotes": inserted(b"<media url=x />"),
    "declarations in the document type": lambda body: ROOT.sub(
        lambda root: b"<!DOCTYPE x [<!ENTITY a 'b'> <!ENTITY c SYSTEM 'd'>]>" + root[0], body, count=1
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    whole: list[tuple[bytes, list[str]]] = []
    faulty, rescued = 0, 0
    for path in sorted(path for folder in parser.parse_args().folders for path in folder.rglob("*.xml")):
        body = path.read_bytes()
        if not ROOT.search(body):
            continue
        found = read(body)
        if found is None or found.note:
            faulty += 1
            rescued += len(found.hrefs) if found else 0
        elif found.hrefs and ENTRY.search(body):
            whole.append((body, found.hrefs))
    count = sum(len(hrefs) for _, hrefs in whole)
    print(f"{len(whole)} documents without an error, {count} links")
    for name, broken in FAULTS.items():
        kept = 0
        for body, hrefs in whole:
            found = read(broken(body))
            kept += len(set(hrefs) & set(found.hrefs)) if found else 0
        print(f"{name}: {kept} links of {sum(len(set(hrefs)) for _, hrefs in whole)}")
    print(f"faulty from the start: {faulty} documents, {rescued} links read")


def read(body: bytes) -> Reading | None:
    if kinds.kind("application/xml", body) not in {"sitemap", "feed"}:
        return None
    try:
        return xml.read([body], Document(URL, body), JOB)
    except ParseError:
        return None


if __name__ == "__main__":
    main()
