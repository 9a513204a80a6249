"""A site with broken links, and one of others, which fail now and then by a seed."""

from __future__ import annotations

import random
from dataclasses import replace

from crawler.testing import Page, Site, Web, error, html, redirect
from crawler.testing.pages import Asked
from crawler.testing.wire import Answer

FAULTS = (500, 503, 404, 410, 429, 403)
BROKEN = {"http://mine.test/gone", "http://mine.test/old", "http://others.test/gone"}


def web(share: float = 0.0, seed: int = 0) -> Web:
    """Returns the web; each answer but those of robots.txt fails with this chance."""
    dice = random.Random(seed)
    mine = {
        "/": html(
            "Home", [f"/{n}" for n in range(12)] + ["/gone", "/old", "/moved", "//others.test/", "//others.test/gone"]
        ),
        **{f"/{n}": html(f"Page {n}", ["/", f"//others.test/{n}"]) for n in range(12)},
        "/copy": html("Page 3", ["/", "//others.test/3"]),
        "/gone": error(404),
        "/old": error(410),
        "/moved": redirect("/1", 301),
    }
    others = {"/": html("Others"), **{f"/{n}": html(f"Other {n}") for n in range(12)}, "/gone": error(404)}
    sites = [
        Site(host, {path: _fail(page, share, dice) for path, page in pages.items()})
        for host, pages in (("mine.test", mine), ("others.test", others))
    ]
    return Web(sites, ["http://mine.test/"])


def _fail(page: Page, share: float, dice: random.Random) -> Page:
    def answer(asked: Asked) -> Answer:
        if dice.random() < share:
            return error(dice.choice(FAULTS)).answer(asked)
        return page.answer(asked)

    return replace(page, answer=answer, fixed=False) if share else page
