"""Builds the demo web: an archipelago of small harbours to browse and to crawl, with the usual nuisances of the web."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from random import Random

from crawler.testing import behaviours, pages, robots, traps
from crawler.testing.charsets import charset_pages
from crawler.testing.pages import Page, error, html, plain, redirect, redirect_chain, redirect_loop
from crawler.testing.web import Site, Web

HUB = "harbours.test"
PAGE_BYTES = 6_000
LARGE_BYTES = 1_500_000
CALM_S = 0.8  # pause of the slow host: visible to a person, shorter than every timeout
CRAWL_DELAY_S = 1
_HARBOURS = (
    "aldersund brimhaven cairnport dunmouth eelwick fernsey gullholm hestvik islay-cross jettyford kelpness "
    "lunna moorgate norwick otterby pilotsund"
)
_SHIP_FIRST = "grey quiet northern second brass little tall early faithful distant"
_SHIP_LAST = "heron lantern petrel ferryman gale plover tern compass oyster voyager"
_DAYS = ("monday", "wednesday", "friday")
_NEXT_YEAR = 2027 * 12


def demo_web() -> Web:
    """Returns a web of about 300 pages on 24 hosts. The seeds are the homes of all; the first home links to all others.

    It has sixteen ordinary harbours; one host each for charsets, redirects, failures, slowness, a Crawl-delay and a
    calendar (robots.txt forbids its endless half); and an archive with a forbidden area, duplicates, a large page,
    sitemaps and every compression. Nothing is endless for a crawler that obeys robots.txt.
    """
    specials = [_archive(), _babel(), _becalmed(), _almanac(), _ferry(), _lighthouse(), _storm()]
    sites = [*specials, *_harbours()]
    hub = _hub([site.host for site in sites])
    return Web([hub, *sites], [f"http://{site.host}/" for site in (hub, *sites)])


def _hub(hosts: list[str]) -> Site:
    homes = [f"//{host}/" for host in hosts]
    book = {
        "/": html("Harbours of the archipelago", ["/about.html", "/map/", *homes], size_bytes=PAGE_BYTES),
        "/about.html": html("About this archipelago", ["/", "map/"], text=_ABOUT),
        "/map/": html("Map of the archipelago", ["../", *reversed(homes)], size_bytes=PAGE_BYTES),
        "/sitemap.xml": pages.sitemap(f"http://{host}/" for host in (HUB, *hosts)),
    }
    return Site(HUB, book, robots.stating(robots.Rules(sitemaps=(f"http://{HUB}/sitemap.xml",))))


def _harbours() -> list[Site]:
    """Returns the ordinary hosts, linked in a circle. Their robots.txt is missing, plain, huge, or moved."""
    names = _HARBOURS.split()
    neighbours = pairwise([*names, names[0]])
    says = [robots.allow_all(), robots.missing(), robots.huge(robots.Rules()), robots.moved(robots.Rules(), hops=2)]
    return [_harbour(name, after, says[number % len(says)]) for number, (name, after) in enumerate(neighbours)]


def _harbour(name: str, neighbour: str, says: robots.Robots) -> Site:
    place = _proper(name)
    ships = _ships(name)
    tides = [f"/tides/{day}.html" for day in _DAYS]
    book = {
        "/": html(
            f"{place}, a harbour",
            [
                "ships/",
                "/tides/",
                "./log/",
                f"//{neighbour}.test/",
                f"http://{HUB}/",
                "#quay",
                "mailto:office@harbour.test",
            ],
            size_bytes=PAGE_BYTES,
        ),
        "/ships/": _page(f"Ships of {place}", [*(f"{ship}.html" for ship in ships), "../"]),
        "/tides/": _page(f"Tides at {place}", [*tides, "/?from=tides"]),
        "/log/": _page(f"The log of {place}", ["2026.html", "2025.html#storm", "../ships/"]),
        "/log/2026.html": _page(f"{place}, 2026", ["2025.html", f"//{neighbour}.test/log/2026.html"]),
        "/log/2025.html": _page(f"{place}, 2025", ["./2026.html", "/"]),
    }
    book |= {
        f"/ships/{ship}.html": _page(
            f"The {_proper(ship)} of {place}", [f"{after}.html", ".", f"//{neighbour}.test/ships/"]
        )
        for ship, after in pairwise([*ships, ships[0]])
    }
    book |= {
        tide: _page(f"{place}, tides on {day}", ["/tides/", "../"]) for tide, day in zip(tides, _DAYS, strict=True)
    }
    return Site(f"{name}.test", book | {"/?from=tides": redirect("/", 302)}, says)


def _archive() -> Site:
    """Returns a site with a forbidden area and one allowed page in it, duplicates, a large page, and all codings."""
    ledger = html("The harbour ledger", ["/", "/large.html"], size_bytes=PAGE_BYTES)
    coded = {
        f"/packed/{coding}.html": behaviours.compressed(_page(f"Packed with {coding}", ["/"]), coding)
        for coding in behaviours.CODINGS
    }
    private = {f"/private/letter-{number}.html": _page(f"Letter {number}", ["/"]) for number in range(1, 6)}
    book = {
        "/ledger.html": ledger,
        "/ledger-copy.html": ledger,
        "/ledger.html?print=1": ledger,
        "/large.html": html("Every entry since 1871", ["/", "ledger.html"], size_bytes=LARGE_BYTES),
        "/cached.html": behaviours.cacheable(_page("Known by its ETag", ["/"])),
        "/chunked.html": behaviours.chunked(_page("In chunks", ["/"])),
        "/notes.txt": plain("Not every page is HTML.\n"),
        "/private/open.html": _page("The one open door", ["letter-1.html"]),
    } | coded
    rules = robots.Rules(("/private/",), ("/private/open.html",), sitemaps=("http://archive.test/sitemap.xml",))
    return _site("archive", "The archive", book | private, robots.stating(rules))


def _babel() -> Site:
    return _site("babel", "The house of alphabets", charset_pages(links=["/"]))


def _becalmed() -> Site:
    still = {f"/calm-{hour}.html": behaviours.slow(_page(f"Calm, hour {hour}", ["/"]), CALM_S) for hour in range(1, 6)}
    rain = behaviours.dripping(_page("Rain", ["/"]), chunk_bytes=500, pause_s=0.1)
    return _site("becalmed", "Becalmed", still | {"/rain.html": rain})


def _almanac() -> Site:
    """Returns a site with two calendars: a bounded one to crawl, and an endless one that robots.txt forbids."""
    months = traps.calendar_targets("/year/", _NEXT_YEAR, 12)
    bounded = traps.calendar("/year/", first=_NEXT_YEAR, months=12)
    forever = {"/forever/": traps.calendar("/forever/", first=_NEXT_YEAR)}
    home = html("The almanac", [months[0], "/forever/2027-01", f"//{HUB}/"], size_bytes=PAGE_BYTES)
    book = {"/": home} | {month: bounded(month) for month in months}
    return Site("almanac.test", book, robots.disallowing("/forever/"), forever)


def _ferry() -> Site:
    book = {
        "/landing.html": _page("The landing", ["/"]),
        "/winter.html": _page("The winter ferry", ["/landing.html"]),
        "/old": redirect("/landing.html", 301),
        "/today": redirect("winter.html", 302),
        "/form": redirect("/landing.html", 303),
        "/detour": redirect("/winter.html", 307),
        "/renamed": redirect("./landing.html", 308),
        "/across": redirect("//aldersund.test/ships/", 302),
    }
    return _site(
        "ferry", "The ferry", book | redirect_chain("/stop-", 3, "/landing.html") | redirect_loop("/round-", 2)
    )


def _lighthouse() -> Site:
    nights = {f"/night-{night}.html": _page(f"Night {night}", ["/"]) for night in range(1, 6)}
    return _site("lighthouse", "The lighthouse keeps its own pace", nights, robots.delaying(CRAWL_DELAY_S))


def _storm() -> Site:
    """Returns a site of failures: some pages fail once and then work, others always fail."""
    report = _page("The whole report, after all", ["/"])
    book = {
        "/squall.html": behaviours.failing(_page("After the squall", ["/"]), times=1, by=error(500)),
        "/gale.html": behaviours.failing(_page("After the gale", ["/"]), times=1, by=error(503, retry_after_s=2)),
        "/surge.html": behaviours.failing(_page("After the surge", ["/"]), times=1, by=pages.reset()),
        "/report.html": behaviours.failing(report, times=1, by=behaviours.truncated(report)),
        "/wreck.html": error(500),
        "/sunk.html": error(404),
        "/gone.html": error(410),
    }
    return _site("storm", "The storm", book)


def _site(name: str, title: str, book: Mapping[str, Page], says: robots.Robots | None = None) -> Site:
    """Returns a host whose home links to all its pages and back to the hub, and whose sitemap lists them."""
    home = html(title, [*book, f"//{HUB}/"], size_bytes=PAGE_BYTES)
    listed = pages.sitemap(f"http://{name}.test{target}" for target in book)
    return Site(f"{name}.test", {"/": home, **book, "/sitemap.xml": listed}, says or robots.allow_all())


def _page(title: str, links: list[str]) -> Page:
    return html(title, links, size_bytes=PAGE_BYTES)


def _ships(harbour: str) -> list[str]:
    dice = Random(harbour)
    firsts, lasts = dice.sample(_SHIP_FIRST.split(), 5), dice.sample(_SHIP_LAST.split(), 5)
    return [f"{first}-{last}" for first, last in zip(firsts, lasts, strict=True)]


def _proper(name: str) -> str:
    return name.replace("-", " ").title()


_ABOUT = (
    "Every host here is an address on this machine, and every page was made up for you: nothing leaves your computer.",
    "Some harbours are slow, one is stormy, one asks you to take your time, and one keeps letters not meant for you.",
)
