"""A web whose pages repeat each other, and what a crawl must have found in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from random import Random

from crawler.testing import Page, Site, Web, html
from tests.hostile.victim import Victim

STORIES = 12
"""Different texts on a site; all others repeat one of them."""
WORDS = tuple("".join(Random(n).choices("abcdefghijklmnoprstuvw", k=3 + n % 7)) for n in range(2000))


def repeating_web(pages: int, sites: int) -> Web:
    """Sites of pages that all link to the next ones; each repeats a story, with an advertisement of its own on top."""
    described = [Site(f"site-{site}.test", _pages(site, pages // sites)) for site in range(sites)]
    return Web(described, [f"http://{site.host}/" for site in described])


def _pages(site: int, number: int) -> dict[str, Page]:
    names = ["/", *(f"/{n}" for n in range(1, number))]
    stories = [site * STORIES + at % STORIES for at in range(number)]
    return {
        name: html(f"Story {told}", names[at + 1 : at + 9], text=[_words(40, 7 + at), _words(250, -1 - told)])
        for at, (name, told) in enumerate(zip(names, stories, strict=True))
    }


def _words(number: int, seed: int) -> str:
    return " ".join(Random(f"words-{seed}").choices(WORDS, k=number))


def check_repeats(crawl: Victim) -> str:
    """Asserts that each story has one page that repeats none, recorded before all that name it, and that the index has
    these pages and no others."""
    firsts: dict[str, str] = {}
    repeats = 0
    for record in crawl.records():
        url = str(record["url"])
        told, named = str(record["title"]), record.get("near_duplicate_of")
        if named is None:
            assert told not in firsts, f"{url} repeats {firsts[told]}, and does not say so"
            firsts[told] = url
            assert record["text"], f"the only page with this text lacks it: {url}"
        else:
            repeats += 1
            assert firsts.get(told) == named, f"{url} names {named}, not {firsts.get(told)}, which is recorded before"
            assert not record["text"], f"the text is stored twice: {url}"
    with closing(sqlite3.connect(crawl.folder / "near-duplicates.sqlite")) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        known = sorted(url for (url,) in rows.execute("SELECT url FROM page WHERE ended IS NULL"))
    assert known == sorted(firsts.values())
    return f"{len(firsts)} texts and {repeats} near duplicates of them"
