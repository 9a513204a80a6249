"""Traps: what looks endless and is not is read to its end; what is endless is parked, and goes on when told to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from crawler.model import Url
from crawler.testing import Page, written
from tests.hostile import endless
from tests.lossless.bench import Bench, Crawl, Kind
from tests.lossless.webs import WORDS, answering, essay, linked, page, within

SIZE = 300
MOST_OF_A_TRAP = 3000
"""Pages of an endless place that may be read before it is parked. A search by ever more filters has 76,000 of them, of
some 310 sorts: when the last sort turns up is luck of the order, and 1,450 to 2,050 are read by then."""
MORE = 60
"""Pages that are asked of a parked place."""
Finite = Callable[[str, int], Page | None]
"""Target, pages of the place -> its page; None: there is none."""


def number(target: str, prefix: str) -> int:
    """What follows the prefix, if it is a number; -1."""
    rest = target.removeprefix(prefix)
    return int(rest) if rest.isdecimal() and target.startswith(prefix) else -1


def chain(target: str, prefix: str, size: int, said: Callable[[int], Page]) -> Page | None:
    """A home that leads to number 1 of `size`, each of which is as it says."""
    if target == "/":
        return page("Welcome", [f"{prefix}1"])
    at = number(target, prefix)
    return said(at) if 1 <= at <= size else None


def following(prefix: str, at: int, size: int) -> list[str]:
    return [f"{prefix}{at + 1}"] if at < size else []


# -- places with an end ----------------------------------------------------------------------------------------------


def scans(target: str, size: int) -> Page | None:
    """A viewer of scanned pages: nothing differs but two numbers and a picture."""

    def said(at: int) -> Page:
        onward = f"<a href=/viewer/{at + 1}>next</a>" if at < size else ""
        text = f"<h1>Register</h1>Page {at} of {size} <img src=/s/{at}.jpg>{onward}"
        return written(text, links=following("/viewer/", at, size))

    return chain(target, "/viewer/", size, said)


def gallery(target: str, size: int) -> Page | None:
    """Photographs, each leads to the next, and none says how many there are."""
    return chain(
        target,
        "/photo/",
        size,
        lambda at: page("Photo", following("/photo/", at, size), f"<img src=/full/{at * 7919 % 99991:05}.jpg>"),
    )


def media(target: str, size: int) -> Page | None:
    """Recordings, films and documents under one text, in turns."""
    kinds = ("<audio src=/m/{}.ogg></audio>", "<video src=/m/{}.mp4></video>", "<embed src=/m/{}.pdf>")
    return chain(
        target,
        "/record/",
        size,
        lambda at: page("Record", following("/record/", at, size), kinds[at % 3].format(at * 31 % 997)),
    )


def products(target: str, size: int) -> Page | None:
    """A shop whose products differ in name, number and price, each leads to the next; the URL holds the name."""

    def place(at: int) -> str:
        return f"/product/{at}-{WORDS[at % 60]}-{WORDS[at // 60 % 60]}"

    if target == "/":
        return page("Shop", [place(1)])
    at = number(target.partition("-")[0], "/product/")
    if not 1 <= at <= size or target != place(at):
        return None
    facts = f"<p>SKU {100000 + at * 37}<p>Price {at * 7919 % 900}.{at % 100:02} euros"
    onward = [place(at + 1)] if at < size else []
    return page(target.partition("-")[2].replace("-", " "), onward, facts, words="next")


def figures(target: str, size: int) -> Page | None:
    """A listing of figures, page by page."""

    def said(at: int) -> Page:
        cells = "".join(f"<tr><td>{row}<td>{(at * 12 + row) * 7919 % 1000}" for row in range(4))
        return page("Readings", following("/readings?page=", at, size), f"<table>{cells}</table>")

    return chain(target, "/readings?page=", size, said)


def walled(target: str, size: int) -> Page | None:
    """A forum: lists name its threads, each of which asks to log in."""
    at = number(target, "/thread/")
    if 1 <= at <= size:
        return page(f"Thread {at}", ["/"], f"<p>Log in to read thread {at}.<form><input name=user></form>")
    at = 0 if target == "/" else number(target, "/forum/")
    threads = range(at * 25 + 1, min(at * 25 + 25, size) + 1)
    more = [f"/forum/{at + 1}"] if (at + 1) * 25 < size else []
    return page(f"Forum {at}", [*(f"/thread/{n}" for n in threads), *more]) if at >= 0 and threads else None


def pager(target: str, size: int) -> Page | None:
    """Nothing differs but a number, and each page says how many there are."""
    return chain(
        target,
        "/entry/",
        size,
        lambda at: page("Entry", following("/entry/", at, size), f"<p>Entry {at} of {size}"),
    )


def contents(target: str, size: int) -> Page | None:
    """Sections that differ in a number; the contents, far behind the first of them, list all."""
    if target == "/contents":
        return page("Contents", [f"/section/{n}" for n in range(1, size + 1)])
    if target == "/":
        return page("Welcome", ["/section/1", "/contents"])
    return chain(
        target, "/section/", size, lambda at: page("Section", following("/section/", at, size), f"<p>Section {at}")
    )


def books(target: str, size: int) -> Page | None:
    """Six books under one pattern, of pages that differ in numbers and pictures."""
    return _library(target, size // 6, lambda book, at: f"<p>Leaf {at}<img src=/scan/{book}-{at}.png>")


def _library(target: str, leaves: int, said: Callable[[int, int], str]) -> Page | None:
    if target == "/":
        return page("Library", [f"/book/{book}/page/1" for book in range(1, 7)])
    parts = target.strip("/").split("/")
    if len(parts) != 4 or not (parts[1].isdecimal() and parts[3].isdecimal()):
        return None
    book, at = int(parts[1]), int(parts[3])
    is_open = 1 <= book <= 6 and 1 <= at <= leaves
    return page(f"Book {book}", following(f"/book/{book}/page/", at, leaves), said(book, at)) if is_open else None


def everything(finite: Finite, size: int) -> set[str]:
    """Every target of a finite place: what can be reached from its home."""

    def links(target: str) -> tuple[str, ...]:
        found = finite(target, size)
        return () if found is None else found.links

    return set(within(["/"], links))


async def finite_place(bench: Bench, finite: Finite, size: int = SIZE) -> None:
    async with bench.crawl(answering("finite.test", lambda target: finite(target, size))) as crawl:
        await crawl.run()
        crawl.has([crawl.url(target) for target in everything(finite, size)])
        crawl.parks(0)


# -- places without one ----------------------------------------------------------------------------------------------


def picture_calendar(url: Url) -> str:
    """Days without end, each with the picture of its day, which are seven."""
    day = int(url.path.rpartition("/")[2] or 1)
    ahead = [(f"/day/{day + step}", f"Day {day + step}") for step in (1, 2, 30)]
    return endless.page(f"Day {day}", ahead, f"<img src=/weekday/{day % 7}.png>", "No events.")


def _served(site: endless.Site, target: str) -> Page | None:
    """A site of the other catalogue; robots.txt is none of its pages."""
    said = site(Url(f"http://trap.example{target}"))
    return None if said is None else written(said)


async def endless_places(bench: Bench) -> None:
    """All of them at once, beside an honest site, which loses nothing."""
    known = [(site, Url(seed)) for site, seed, reach in endless.TRAPS.values() if reach == "host"]
    traps = [*known, (picture_calendar, Url("http://trap.example/day/1"))]
    sites = [answering(f"trap{i}.test", partial(_served, site)) for i, (site, _) in enumerate(traps)]
    honest = linked("honest.test", {f"/{n}": [f"/{n * 2 + 1}", f"/{n * 2 + 2}"] for n in range(SIZE)})
    seeds = ["http://honest.test/0", *(f"http://trap{i}.test{seed.path}" for i, (_, seed) in enumerate(traps))]
    async with bench.crawl(honest, *sites, seeds=seeds, inline=False) as crawl:
        await crawl.run()
        crawl.has([crawl.url(f"/{n}") for n in range(SIZE)])
        crawl.parks(1, 10**6)
        crawl.says("parked", "--traps off")
        for site in sites:
            read = len(crawl.served.of(site.host, robots=False))
            if read > MOST_OF_A_TRAP:
                crawl.wrong(f"{site.host} was read {read} times")
        refused = [one["url"] for one in crawl.records if one["disposition"] in ("excluded", "parked")]
        if refused:
            crawl.wrong(f"{len(refused)} URLs of traps have a last word in the records")


async def one_book_without_end(bench: Bench) -> None:
    """Five honest books, and one that has a page for any number: its verdict is its own."""

    def answer(target: str) -> Page | None:
        is_trap = target.startswith("/book/1/")
        return _library(target, 10**9 if is_trap else 60, lambda book, at: "<p>Blank" if book == 1 else essay(target))

    async with bench.crawl(answering("library.test", answer)) as crawl:
        await crawl.run()
        crawl.has([crawl.url(f"/book/{book}/page/{at}") for book in range(2, 7) for at in range(1, 61)])
        crawl.parks(1, 10**6)


async def goes_on_when_told(bench: Bench, how: Callable[[Crawl], list[str]]) -> None:
    """A calendar is parked; told that it is none, the crawl goes on with it to a limit."""
    site = answering("calendar.test", partial(_served, endless.months))
    async with bench.crawl(site, seeds=["http://calendar.test/calendar"]) as crawl:
        await crawl.run()
        crawl.parks(1, 1000)
        before = crawl.pages
        await crawl.run(*how(crawl), "--limit", str(before + MORE), seeds=())
        brought = crawl.pages - before
        if brought != MORE:
            crawl.wrong(f"{brought} pages more, {MORE} were asked for")


async def parked_and_killed(bench: Bench) -> None:
    """Killed again and again amid a place without end, a crawl parks it all the same, and its account adds up."""
    site = answering("calendar.test", partial(_served, endless.facets))
    honest = linked("honest.test", {f"/{n}": [f"/{n * 2 + 1}", f"/{n * 2 + 2}"] for n in range(SIZE)})
    seeds = ["http://calendar.test/shop", "http://honest.test/0"]
    async with bench.crawl(honest, site, seeds=seeds, inline=False) as crawl:
        for after in (100, 400, 300):
            await crawl.run_and_kill(after)
        await crawl.run()
        crawl.has([crawl.url(f"/{n}") for n in range(SIZE)])
        crawl.parks(1, 10**6)


def unparked(crawl: Crawl) -> list[str]:
    return [word for trap in crawl.counts.traps for word in ("--unpark", trap.pattern)]


def _finite(finite: Finite) -> Callable[[Bench], Awaitable[None]]:
    return partial(finite_place, finite=finite)


KINDS = (
    Kind("traps/scans", _finite(scans), is_quick=True),
    Kind("traps/gallery", _finite(gallery)),
    Kind("traps/media", _finite(media)),
    Kind("traps/products", _finite(products)),
    Kind("traps/figures", _finite(figures)),
    Kind("traps/login-wall", _finite(walled)),
    Kind("traps/pager-with-end", _finite(pager)),
    Kind("traps/contents", _finite(contents)),
    Kind("traps/books", _finite(books)),
    Kind("traps/one-book-endless", one_book_without_end),
    Kind("traps/endless", endless_places),
    Kind("traps/scans-2000", partial(finite_place, finite=scans, size=2000)),
    Kind("traps/killed", parked_and_killed),
    Kind("traps/unpark", partial(goes_on_when_told, how=unparked), is_quick=True),
    Kind("traps/off-afterwards", partial(goes_on_when_told, how=lambda _: ["--traps", "off"])),
    Kind("traps/set-off-afterwards", partial(goes_on_when_told, how=lambda _: ["--set", "traps=off"])),
)
