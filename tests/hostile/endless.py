"""Sites without end, and honest ones that look alike: crawled through the real parser and a real frontier, no network.

python -m tests.hostile.endless [pages of the large honest sites, 50,000 by default [pages of the finite ones]]
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b

from crawler.frontier import open_memory
from crawler.model import Disposition, Lease, Links, Outcome, Reason, Request, Url
from crawler.parse import Document, ParseJob, parse
from crawler.policy.scope import Reach
from crawler.protocols import Frontier
from crawler.standing import Trap
from crawler.visit import is_sample
from tests.defaults import make_job, make_scope, make_terms
from tests.hostile.calendars import CALENDARS
from tests.hostile.finite import FINITE

Site = Callable[[Url], str | None]
"""URL -> HTML, or None: there is no such page."""

ENOUGH = 3000
"""Pages of a trap after which it is not worth going on."""
LEFT_BY = 2000
"""Pages after which every trap must be left."""
IN_FLIGHT = 32
_TEXT = """
    anchor barge beacon bell berth breeze bridge buoy canvas cargo channel chart cloud coast compass copper crane dawn
    deck dock drift dusk engine ferry fog gale gull harbour hatch heron hull island jetty kelp knot lantern ledge mast
    mist moor net oar otter pier pilot plank quay reef rope rudder sail salt sand shelf shoal slip spar star tide tower
"""
_WORDS = _TEXT.split()
_FRAME = "<p>" + " ".join(random.Random(7).choices(_WORDS, k=300))
MONTHS = ("January", "February", "March", "April", "May", "June",
          "July", "August", "September", "October", "November", "December")  # fmt: skip
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@dataclass(slots=True)
class Result:
    """What a crawl of one site came to."""

    read: int = 0
    urls: set[str] = field(default_factory=set)
    barred: int = 0
    briefly: int = 0
    """Pages that might be brief, if their text was long."""
    traps: tuple[Trap, ...] = ()
    seconds: float = 0.0


async def crawl(
    site: Site,
    seed: str,
    *,
    reach: Reach = "host",
    most: int = ENOUGH,
    frontier: Frontier | None = None,
    shuffle: random.Random | None = None,
) -> Result:
    """Visit until nothing is left or `most` pages were read; `shuffle` the order of links and of answers."""
    if frontier is None:
        async with open_memory(make_terms(traps="park", per_site=IN_FLIGHT, per_ip=10**6)) as opened:
            return await crawl(site, seed, reach=reach, most=most, frontier=opened, shuffle=shuffle)
    job = make_job(key=frontier.key, run=random.randbytes(8), bounds=make_scope(reach=reach))
    result, begun = Result(), time.perf_counter()
    await frontier.add([Request(Url(seed))])
    while result.read < most and await frontier.wait():
        leases = await frontier.lease(IN_FLIGHT)
        outcomes = [await _visit(lease, site, job, frontier, result) for lease in leases]
        if shuffle:
            shuffle.shuffle(outcomes)
            outcomes = [_shuffled(outcome, shuffle) for outcome in outcomes]
        await frontier.settle(outcomes, {})
    result.traps = tuple(frontier.counts().traps)
    result.seconds = time.perf_counter() - begun
    return result


def _shuffled(outcome: Outcome, shuffle: random.Random) -> Outcome:
    """With its links in another order."""
    page = outcome.page
    if page is None or len(page.news) < 2:
        return outcome
    links = page.news
    order = shuffle.sample(range(len(links)), len(links))
    texts, prints = links.split(), [links.fingerprints[8 * i : 8 * i + 8] for i in range(len(links))]
    news = Links("\n".join([texts[i] for i in order]), b"".join([prints[i] for i in order]))
    return replace(outcome, page=replace(page, news=news))


async def _visit(lease: Lease, site: Site, job: ParseJob, frontier: Frontier, result: Result) -> Outcome:
    request = lease.request
    if bar := frontier.bar(lease):
        result.barred += 1
        return Outcome(lease, Disposition.PARKED, bar.reason, bar.detail, pattern=bar.pattern)
    body = site(request.url)
    if body is None:
        return Outcome(lease, Disposition.FAILED, Reason.STATUS_4XX)
    result.read += 1
    result.urls.add(request.url.text)
    content_type = "application/xml" if body.startswith("<?xml") else "text/html"
    may_be_brief = not is_sample(request.url, frontier.key) and frontier.knows_well(request.url)
    document = Document(
        request.url, body.encode(), content_type, anchor=request.anchor, depth=request.depth, may_be_brief=may_be_brief
    )  # fmt: skip
    result.briefly += may_be_brief
    page = parse(document, job)
    first = await frontier.claim(page.digest, lease)
    what = Disposition.FETCHED if first == request.url else Disposition.DUPLICATE
    return Outcome(lease, what, page=page, ended=time.monotonic())


# -- pages -----------------------------------------------------------------------------------------------------------


def page(title: str, links: Iterable[tuple[str, str]], *paragraphs: str, frame: str = _FRAME) -> str:
    """In a frame of some hundred words, as sites have it; links with their words."""
    anchors = "".join(f'<li><a href="{href}">{words}</a>' for href, words in links)
    said = "".join(f"<p>{paragraph}" for paragraph in paragraphs)
    return f"<title>{title}</title>{frame}<h1>{title}</h1>{said}<ul>{anchors}</ul>"


def number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big")


def name_of(text: str) -> str:
    """A word that nobody uses."""
    return str(number(text)).translate(str.maketrans("0123456789", "bdfglmnrst"))[:9]


def months(url: Url) -> str:
    """A calendar of months, with the days of each."""
    at = int(url.path.partition("=")[2] or 24240)
    near = [(f"/calendar?month={at + step}", f"{MONTHS[(at + step) % 12]} {(at + step) // 12}") for step in (-1, 1)]
    days = " ".join(map(str, range(1, 29 + at % 3)))
    return page(f"{MONTHS[at % 12]} {at // 12}", near, " ".join(DAYS), days)


def days(url: Url) -> str:
    """A calendar of days, by their dates."""
    year, month, day = map(int, ([*url.path.strip("/").split("/")[1:], "2026", "1", "1"])[:3])
    ahead = [(year, month, day % 28 + 1), (year, month % 12 + 1, day), (year + 1, month, day)]
    links = [(f"/events/{y}/{m}/{d}", f"{DAYS[(y + m + d) % 7]}, {MONTHS[m - 1]} {d}") for y, m, d in ahead]
    return page(f"{DAYS[(year + month + day) % 7]}, {MONTHS[month - 1]} {day}, {year}", links, "No events.")


def sessions(url: Url) -> str:
    """A session id in every link."""
    links = [(f"/page{i}?session={number(url.text + str(i)):x}", f"Page {i}") for i in range(3)]
    return page("The same few pages", links)


def session_paths(url: Url) -> str:
    return page("The same few", [(f"/{number(url.text + str(i)):012x}/page{i}", f"Page {i}") for i in range(3)])


def facets(url: Url) -> str:
    """A search that lets filter by ever more, of a shop of forty things."""
    chosen = [part for part in url.path.partition("?")[2].split("&") if part]
    free = [name for name in ("colour", "size", "brand", "price", "sort", "year") if f"{name}=" not in url.path]
    links = [(f"/shop?{'&'.join([*chosen, f'{name}={value}'])}", value) for name in free for value in ("red", "blue")]
    found = [word for word in _WORDS[:40] if all(number(word + part) % 2 for part in chosen)]
    return page("Shop", links, *(found or ["Nothing matches."]))


def same(url: Url) -> str:
    """Whatever it is asked for, it answers with its home page, and links from where it stands."""
    return page("Welcome", [(f"{word}/", word) for word in ("news", "about", "contact", "places")])


def sorry(url: Url) -> str:
    """A page for each that does not exist, which repeats what was asked for."""
    name = url.path.rpartition("/")[2]
    links = [(f"/find/{name_of(url.text + str(i))}-{name_of(str(i) + url.text)}", "try this") for i in range(3)]
    return page(f"Sorry, no {name.replace('-', ' ')} here", links)


def deeper(url: Url) -> str:
    return page("Deeper", [(f"{url.path.rstrip('/')}/{number(url.text) % 997}", "on")])


def chain(url: Url) -> str:
    at = int(url.path.rpartition("/")[2] or 0)
    return f'<meta http-equiv=refresh content="0;url=/r/{at + 1}">'


def hosts(url: Url) -> str:
    """Every host name of the domain answers, and names two more."""
    links = [(f"http://{number(url.text + str(i)):x}.example.org/", "on") for i in range(2)]
    return page("Everything is here", links)


# -- honest ones -----------------------------------------------------------------------------------------------------


def shop(url: Url, *, items: int, per_list: int = 50) -> str | None:
    """Lists, and items that differ in a few words of three hundred and lead to others like them."""
    name, _, at = url.path.strip("/").partition("/")
    n = int(at or 0)
    if name != "item":
        listed = range(n * per_list, min((n + 1) * per_list, items))
        links = [(f"/item/{i}", thing(i)) for i in listed]
        return page(f"All our things, page {n}", [*links, (f"/list/{n + 1}", "more")]) if listed else None
    near = [(f"/item/{(n * 7 + i) % items}", thing((n * 7 + i) % items)) for i in range(1, 5)]
    return page(thing(n), near, f"The {thing(n)} costs {number(at) % 900} euros.")


def thing(n: int) -> str:
    """A name for each."""
    size = len(_WORDS)
    return f"{_WORDS[n % size]} {_WORDS[n // size % size]} {_WORDS[n // size**2 % size]}"


def parts(url: Url, *, items: int, per_list: int = 50) -> str | None:
    """Items that differ in numbers alone, found on lists of numbers."""
    name, _, at = url.path.strip("/").partition("/")
    n = int(at or 0)
    if name == "part":
        near = [(f"/part/{(n + step) % items}", f"Part {(n + step) % items}") for step in (1, -1)]
        return page(f"Part {n}", near, f"Weighs {number(at) % 977} grams, costs {number(at) % 89} euros.")
    listed = range(n * per_list, min((n + 1) * per_list, items))
    return (
        page(f"Parts, page {n}", [*((f"/part/{i}", f"Part {i}") for i in listed), (f"/parts/{n + 1}", "more")])
        if listed
        else None
    )


def chapters(url: Url, *, items: int) -> str | None:
    """One chapter leads to the next."""
    n = int(url.path.rpartition("/")[2] or 0)
    text = " ".join(random.Random(n).choices(_WORDS, k=40))
    return page(f"Chapter {n}", [(f"/chapter/{n + 1}", "next")], text) if n < items else None


TRAPS: dict[str, tuple[Site, str, Reach]] = {
    "a calendar of months": (months, "http://trap.example/calendar", "host"),
    "a calendar of days": (days, "http://trap.example/events", "host"),
    "a session id in each query": (sessions, "http://trap.example/", "host"),
    "a session id in each path": (session_paths, "http://trap.example/", "host"),
    "a search by ever more filters": (facets, "http://trap.example/shop", "host"),
    "the same page for any URL": (same, "http://trap.example/", "host"),
    "a page that is sorry for any URL": (sorry, "http://trap.example/", "host"),
    "ever deeper": (deeper, "http://trap.example/", "host"),
    "each page refreshes to the next": (chain, "http://trap.example/r/0", "host"),
    "any host of the domain": (hosts, "http://example.org/", "domain"),
    **{name: (site, seed, "host") for name, (site, seed) in CALENDARS.items()},
}
HONEST: dict[str, Callable[..., str | None]] = {
    "a shop, items differ in some words": shop,
    "a catalogue, items differ in numbers": parts,
    "a book, each chapter leads to the next": chapters,
}


async def main(items: int, finite: Sequence[int]) -> bool:
    """Whether all is well: traps are left, sites that end are read to the end."""
    is_well = True
    print(f"{'':56}{'read':>8}{'parked':>9}{'in':>4}{'ms a page':>11}")
    for name, (site, seed, reach) in TRAPS.items():
        result = await crawl(site, seed, reach=reach)
        is_well &= _told(name, result, result.read < LEFT_BY)
    for name, honest in FINITE.items():
        for size in finite:
            result = await crawl(partial(honest, items=size), "http://honest.example/", most=10**9)
            is_well &= _told(f"{name}, {size:,}", result, not result.traps and result.read >= size * 0.95)
    for name, large in HONEST.items():
        result = await crawl(partial(large, items=items), "http://honest.example/", most=10**9)
        is_well &= _told(name, result, not result.traps and result.read >= items)
    return is_well


def _told(name: str, result: Result, is_right: bool) -> bool:
    cost = 1000 * result.seconds / max(result.read, 1)
    left = sum(trap.parked for trap in result.traps)
    print(
        f"{name:56}{result.read:8,}{left:9,}{len(result.traps):4}{cost:11.2f}{'' if is_right else '   WRONG'}",
        flush=True,
    )
    return is_right


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    given = [int(size) for size in sys.argv[1:]]
    sys.exit(not asyncio.run(main(given[0] if given else 50_000, given[1:] or (300, 1000, 5000))))
