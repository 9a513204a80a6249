"""Honest sites whose pages hardly differ, and that end all the same: none of their pages may be parked."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from crawler.model import Url

Finite = Callable[..., str | None]
"""URL, `items` (pages of the site, roughly) -> HTML, or None: there is no such page."""

FRAME = "<p>" + " ".join(["Home Search Help Contact Imprint Privacy"] * 30) + '<img src="/logo.png">'
BOOKS = 10
_WORDS = ("salt", "tide", "mast", "keel", "oar", "rope", "sand", "gull", "dock", "pier")
TODAY = datetime.now(UTC).date()


def _on(path: str) -> str:
    return f'<a href="{path}">next</a>'


def _number(url: Url) -> int:
    """The last number of a URL; 0: there is none."""
    digits = url.path.rstrip("/").rpartition("/")[2].rpartition("=")[2].rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def chain(prefix: str, says: Callable[[int, int], str]) -> Finite:
    """One page leads to the next, by number; the home page leads to the first."""

    def site(url: Url, items: int) -> str | None:
        at = _number(url)
        if url.path != "/" and not 0 < at <= items:
            return None
        on = _on(f"{prefix}{at + 1}") if at < items else ""
        return FRAME + (f"<h1>Welcome</h1>{on}" if url.path == "/" else says(at, items) + on)

    return site


def _product(at: int, items: int) -> str:
    rng = random.Random(at)
    return (
        f"<h1>Product {at}</h1><p>SKU AB-{rng.randrange(10**5, 10**6)}<p>Price: {rng.randrange(500, 99999) / 100:.2f}"
    )


def _whole_price(at: int, items: int) -> str:
    rng = random.Random(at)
    return f"<table><tr><td>{at}<td>{rng.randrange(10**5, 10**6)}<td>{rng.randrange(100, 900)}</table>"


def _table(at: int, items: int) -> str:
    rng = random.Random(at)
    return "<table>" + "<tr>".join(f"<td>{rng.randrange(10**4)}" for _ in range(200)) + "</table>"


def _pictures(at: int, items: int) -> str:
    return "".join(f'<a href="#"><img src="/thumbs/{at * 20 + i}.jpg" alt=picture></a>' for i in range(20))


def _lasting(prefix: str) -> Callable[[int, int], str]:
    return lambda at, items: f'<h1>All our stones</h1><a href="{prefix}{items}">last</a>'


def login(url: Url, items: int) -> str | None:
    """Forums whose lists everybody may read, and whose threads ask for a login, all of them alike."""
    forum, _, rest = url.path[1:].partition("/")
    if url.path == "/":
        return FRAME + "".join(f'<a href="/{name}/list/0">{name}</a>' for name in ("sail", "row", "swim"))
    at, per_list = _number(url), 40
    if rest.startswith("thread"):
        return FRAME + '<h1>Log in to read this</h1><form method=post action="/login"><input name=user></form>'
    listed = range(at * per_list, min((at + 1) * per_list, items // 3))
    rng = random.Random(forum + rest)
    links = [f'<a href="/{forum}/thread-{n}">{"".join(rng.choices("abcdefghij", k=12))}</a>' for n in listed]
    return FRAME + " ".join(links) + _on(f"/{forum}/list/{at + 1}") if listed else None


def books(url: Url, items: int) -> str | None:
    """A library of books of four kinds, under one pattern of URLs, each read from page to page."""
    if url.path == "/":
        return FRAME + "".join(f'<li><a href="/book/{n}/page/1">{n}</a>' for n in range(1, BOOKS + 1))
    book, at, last = int(url.path.split("/")[2]), _number(url), items // BOOKS
    if not 0 < at <= last:
        return None
    words = " ".join(random.Random(url.path).choices(_WORDS, k=20))
    kinds = (f"<img src=/scan/{book}/{at}.jpg>", f"<p>{words}", f"Page {at} of {last}", _table(at + 10**6 * book, 0))
    return f"{FRAME}<h1>A book</h1>{kinds[book % 4]}{_on(f'/book/{book}/page/{at + 1}')}"


def contents(url: Url, items: int) -> str | None:
    """A page of contents leads to all pages, each of which leads to the next."""
    if url.path == "/":
        links = "".join(f'<a href="/chapter/{n}">{n}</a> ' for n in range(1, items + 1))
        return f'{FRAME}<a href="/chapter/1">Begin</a>{links}'
    at = _number(url)
    return f"{FRAME}<h1>Chapter {at}</h1>{_on(f'/chapter/{at + 1}')}" if 0 < at <= items else None


def first_and_last(url: Url, items: int) -> str | None:
    """A page of contents leads to the first page and to the last."""
    if url.path == "/":
        return f'{FRAME}<a href="/about">About</a>'
    if url.path == "/about":
        return f'{FRAME}<p>About us <a href="/chapter/1">Begin</a> <a href="/chapter/{items}">Last</a>'
    at = _number(url)
    return f"{FRAME}<h1>Chapter {at}</h1>{_on(f'/chapter/{at + 1}')}" if 0 < at <= items else None


def sheets(url: Url, items: int) -> str | None:
    """A sitemap names data sheets that differ in one number."""
    if url.path == "/":
        urls = "".join(f"<url><loc>http://honest.example/sheet/{n}</loc></url>" for n in range(items))
        return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'
    return f"{FRAME}<h1>Sheet {_number(url)}</h1>"


def sections(url: Url, items: int) -> str | None:
    """A list leads to data sheets that differ in one number, in sections of sixty."""
    if url.path == "/":
        return f'{FRAME}<a href="/all">All sheets</a>'
    if url.path == "/all":
        names = ["".join(random.Random(n).choices("abcdefghij", k=8)) for n in range(items // 60)]
        return FRAME + "".join(f'<a href="/{name}/{n}">{n}</a> ' for name in names for n in range(60))
    return f"{FRAME}<h1>Sheet {_number(url)}</h1>"


def archive(url: Url, items: int) -> str | None:
    """A picture a day, by date, up to yesterday."""
    first = TODAY - timedelta(items)
    if url.path == "/":
        return FRAME + _on(f"/photo/{first.year}/{first.month}/{first.day}")
    day = date(*map(int, url.path.split("/")[2:]))
    then = day + timedelta(1)
    on = _on(f"/photo/{then.year}/{then.month}/{then.day}") if then < TODAY else ""
    return f"<title>{day:%A, %d %B %Y}</title>{FRAME}<img src=/img/{day:%Y-%m-%d}.jpg>{on}"


FINITE: dict[str, Finite] = {
    "scans, page 17 of 300": chain("/viewer/", lambda n, of: f"<h1>Register</h1>Page {n} of {of} <img src=/s/{n}.jpg>"),
    "scans, uncounted": chain("/viewer/", lambda n, of: f"<h1>Register</h1><img src=/s/{n}.jpg>"),
    "a pager that says 17 of 300": chain("/view?item=", lambda n, of: f"<h1>Register</h1>Page {n} of {of}"),
    "a pager that says 17/300": chain("/view-", lambda n, of: f"<h1>Register</h1>{n}/{of}"),
    "a pager that leads to its last page": chain("/stones?page=", _lasting("/stones?page=")),
    "a gallery without text": chain("/g/", lambda n, of: f"<img srcset='/p/{hash((n, 7)) % 10**9}.webp 2x'>"),
    "products that differ in SKU and price": chain("/product/", _product),
    "the same, in cells of a table": chain("/product/", _whole_price),
    "listings of figures": chain("/figures?page=", _table),
    "listings of pictures": chain("/pictures?page=", _pictures),
    "reports to download": chain("/report/", lambda n, of: f"<a href='/files/report{n}.pdf'>PDF</a>"),
    "recordings": chain("/talk/", lambda n, of: f"<audio controls><source src=/talks/{n}.mp3></audio>"),
    "films": chain("/film/", lambda n, of: f"<video poster=/film.jpg src=/films/{n}.webm></video>"),
    "embedded documents": chain("/doc/", lambda n, of: f"<iframe src=/embed/{n}/></iframe><object data=/d/{n}.pdf>"),
    "threads behind a login": login,
    "books of several kinds": books,
    "chapters, all in the contents": contents,
    "chapters, the first and the last in the contents": first_and_last,
    "sheets of a sitemap": sheets,
    "sheets in sections": sections,
    "a picture a day": archive,
}
