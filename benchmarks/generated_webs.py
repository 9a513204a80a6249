"""Generates sites of known size as people build them: trees, blogs, shops, manuals, wikis, and links by chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LEAST, MOST = 30, 900
Links = list[list[int]]


@dataclass(frozen=True, slots=True)
class Site:
    """A site whose pages have numbers; page 0 is its home."""

    kind: str
    links: Sequence[Sequence[int]]
    """The pages that each page links to."""
    answer_s: float
    sizes: Sequence[int]
    """The length of each page in bytes."""
    sitemap: Sequence[int] = field(default=())
    """The pages that its sitemap lists; none: it has no sitemap."""

    @property
    def size(self) -> int:
        return len(self.links)


def make_site(dice: random.Random, kind: str | None = None, *, most: int = MOST, sitemaps: float = 0.5) -> Site:
    """Returns a site of some size, all of it reachable from its home. `sitemaps`: the share of sites that have one."""
    kind = kind or dice.choice(list(KINDS))
    wanted = int(LEAST * (most / LEAST) ** dice.random())
    links = _reachable(KINDS[kind](wanted, dice))
    sizes = [int(dice.lognormvariate(10, 0.8)) for _ in links]
    listed: list[int] = []
    if dice.random() < sitemaps:
        share = dice.choice([1.0, 0.9, 0.6])
        listed = [number for number in range(len(links)) if dice.random() < share]
    return Site(kind, links, dice.lognormvariate(-1.5, 0.7), sizes, listed)


def make_webs(number: int, seed: int, *, most_sites: int = 3, most: int = MOST) -> list[list[Site]]:
    """Returns so many webs of one to `most_sites` sites."""
    dice = random.Random(seed)
    return [[make_site(dice, most=most) for _ in range(dice.randint(1, most_sites))] for _ in range(number)]


# -- kinds -------------------------------------------------------------------------------------------------------------


def _tree(size: int, dice: random.Random) -> Links:
    """Each page leads to some below it, and back to its own parent and home."""
    branches = dice.randint(2, 8)
    links: Links = []
    for page in range(size):
        below = range(branches * page + 1, min(size, branches * page + 1 + branches))
        links.append([0, (page - 1) // branches if page else 0, *below])
    return links


def _blog(size: int, dice: random.Random) -> Links:
    """Lists of ten posts lead to each other; posts lead to the two beside them, and to home."""
    lists = max(1, size // 11)
    links: Links = [[0, max(0, page - 1), min(lists - 1, page + 1)] for page in range(lists)]
    for post in range(lists, size):
        links[min((post - lists) // 10, lists - 1)].append(post)
        links.append([0, max(lists, post - 1), min(size - 1, post + 1)])
    return links


def _shop(size: int, dice: random.Random) -> Links:
    """Home leads to all departments, each to lists of its products, each product to four of the same department."""
    departments = max(2, min(20, size // 25))
    links: Links = [list(range(1, departments + 1))]
    links += [list(range(departments + 1)) for _ in range(departments)]
    kept: list[list[int]] = [[] for _ in range(departments)]
    for product in range(departments + 1, size):
        at = dice.randrange(departments)
        kept[at].append(product)
        links[1 + at].append(product)
        links.append([0, 1 + at, *dice.sample(kept[at], min(4, len(kept[at])))])
    return links


def _manual(size: int, dice: random.Random) -> Links:
    """Each page leads to the whole chapter and to the head of each other chapter."""
    length = dice.randint(8, 40)
    heads = list(range(0, size, length))
    chapters = [list(range(head, min(size, head + length))) for head in heads]
    return [[*heads, *chapters[page // length]] for page in range(size)]


def _wiki(size: int, dice: random.Random) -> Links:
    """Pages lead to known ones the more, the more others do."""
    links: Links = [[0]]
    ends = [0]
    number = dice.randint(2, 8)
    for page in range(1, size):
        links[dice.choice(ends)].append(page)
        chosen = [dice.choice(ends) for _ in range(number)]
        links.append(chosen)
        ends += [*chosen, page]
    return links


def _chance(size: int, dice: random.Random) -> Links:
    """Pages lead anywhere."""
    number = dice.randint(3, 20)
    return [[0, *(dice.randrange(size) for _ in range(number))] for _ in range(size)]


KINDS: Mapping[str, Callable[[int, random.Random], Links]] = {
    "tree": _tree, "blog": _blog, "shop": _shop, "manual": _manual, "wiki": _wiki, "chance": _chance,
}  # fmt: skip


def _reachable(links: Links) -> Links:
    """Returns only the pages that can be reached from home, numbered anew."""
    order, seen = [0], {0}
    for page in order:
        fresh = [one for one in dict.fromkeys(links[page]) if one not in seen]
        seen.update(fresh)
        order += fresh
    number = {page: at for at, page in enumerate(order)}
    return [[number[one] for one in dict.fromkeys(links[page])] for page in order]
