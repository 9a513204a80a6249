"""Generates link graphs: webs of any size from a random seed, in which every page can be reached from every home.

Pages are made on request, so a graph of a million pages needs only memory for its list of targets.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from crawler.testing import pages, robots
from crawler.testing.pages import Page
from crawler.testing.web import Site, Web

BRANCHING = 6  # children a page has in the tree that makes every page reachable
SITE_BRANCHING = 4  # further sites a home leads to
CROSS_SHARE = 0.15  # of the links beyond the tree, how many lead to another site
SIZE_SPREAD = 0.5  # sigma of the log-normal page size: 5 % of the pages are over 2.3 times the median
BENCHMARK_BYTES = 30_000
"""The size of the median HTML page of the public web, uncompressed."""
_SECTIONS = ("arrivals", "cargo", "charts", "tides", "k%C3%B8benhavn")
_NOISE = ("mailto:office@harbour.test", "javascript:void(0)", "#content", "tel:+4712345678")


def link_graph(
    seed: int = 1,
    sites: int = 4,
    pages_per_site: int = 25,
    links_per_page: int = 12,
    *,
    median_bytes: int = pages.SMALL_BYTES,
    cross_share: float = CROSS_SHARE,
    site_robots: robots.Robots | None = None,
) -> Web:
    """Returns a random web that is the same for the same arguments. Its seeds are the homes of all sites.

    From any home all pages of its site can be reached within the site, and from the first home all sites. Pages have
    `links_per_page` links (or more, if the tree needs more) in all forms: relative, rooted, absolute, `//host`, with
    queries, fragments, `../` and repetitions, mixed with links that lead nowhere (`mailto:` and such).
    """
    targets = tuple(_target(index) for index in range(pages_per_site))
    plan = _Plan(seed, sites, targets, links_per_page, median_bytes, cross_share)
    numbers = {target: index for index, target in enumerate(targets)}
    described = [
        Site(host_name(site), _GraphPages(plan, site, numbers), site_robots or robots.allow_all())
        for site in range(sites)
    ]
    return Web(described, [f"http://{site.host}/" for site in described])


def host_name(site: int) -> str:
    """Returns the name of the n-th site of a link graph, from 0."""
    return f"site-{site:03}.test"


@dataclass(frozen=True, slots=True)
class _Plan:
    seed: int
    sites: int
    targets: tuple[str, ...]
    links_per_page: int
    median_bytes: int
    cross_share: float


class _GraphPages(Mapping[str, Page]):
    """The pages of one site, made on demand."""

    def __init__(self, plan: _Plan, site: int, numbers: Mapping[str, int]) -> None:
        self._plan, self._site, self._numbers = plan, site, numbers

    def __getitem__(self, target: str) -> Page:
        return _page(self._plan, self._site, self._numbers[target])

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def _page(plan: _Plan, site: int, number: int) -> Page:
    dice = Random(f"{plan.seed}/{site}/{number}")
    size_bytes = round(plan.median_bytes * math.exp(dice.gauss(0, SIZE_SPREAD)))
    title = f"{_SECTIONS[number % 4].capitalize()}, sheet {number} of {host_name(site)}"
    return pages.html(title, _links(plan, site, number, dice), size_bytes=size_bytes)


def _links(plan: _Plan, site: int, number: int, dice: Random) -> list[str]:
    """Returns the links of a page in random order: those of the tree, and random ones."""
    size = len(plan.targets)
    ends = [(site, child) for child in _children(number, BRANCHING, size)]
    ends += [(child, 0) for child in (_children(site, SITE_BRANCHING, plan.sites) if number == 0 else ())]
    while len(ends) < plan.links_per_page - 1:
        goes_out = dice.random() < plan.cross_share
        ends.append((dice.randrange(plan.sites) if goes_out else site, dice.randrange(size)))
    dice.shuffle(ends)
    here = plan.targets[number]
    written = [
        _write_link(dice, here, plan.targets[page], None if end == site else host_name(end)) for end, page in ends
    ]
    return [*written, dice.choice(_NOISE)]


def _children(parent: int, branching: int, size: int) -> range:
    first = parent * branching + 1
    return range(min(first, size), min(first + branching, size))


def _target(number: int) -> str:
    """Returns path and query of the n-th page of any site: plain files, folders, queries, escaped letters."""
    section = _SECTIONS[number % len(_SECTIONS)]
    if number == 0:
        return "/"
    if number % 7 == 3:
        return f"/{section}/list?page={number}&sort=date"
    if number % 9 == 4:
        return f"/{section}/folder-{number}/"
    return f"/{section}/{number // 50}/sheet-{number}.html"


def _write_link(dice: Random, here: str, target: str, host: str | None) -> str:
    """Writes a link to a target in one of the usual forms. Without `host` it is on the same site."""
    fragment = f"#line-{dice.randrange(90)}" if dice.random() < 0.1 else ""
    if host is not None:
        return f"{dice.choice(('http:', 'http:', ''))}//{host}{target}{fragment}"
    form = dice.random()
    if form < 0.45:
        return target + fragment
    if form < 0.9:
        return _relative(here, target) + fragment
    return f"/{dice.choice(_SECTIONS)}/..{target}{fragment}"


def _relative(here: str, target: str) -> str:
    folders, parts = here.partition("?")[0].split("/")[:-1], target.split("/")
    shared = len(posixpath.commonprefix([folders, parts[:-1]]))
    return "../" * (len(folders) - shared) + "/".join(parts[shared:]) or "./"
