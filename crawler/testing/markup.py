"""Writes the markup of pages: believable HTML of a wanted size around a title and some links.

Equal arguments give equal markup on every machine: the text is chosen from a fixed pool by a checksum of the title.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from html import escape
from itertools import cycle, islice
from zlib import crc32

NAV_LINKS = 6
LINKS_PER_PARAGRAPH = 3
POOL_PARAGRAPHS = 101
LABELS_KEPT = 50_000  # pages of one site repeat their links
POOL_SEED = 2009  # any fixed number, for the same text everywhere

Link = tuple[str, str]  # href and words

_NOUNS = """
    anchor barge beacon bell berth breeze bridge buoy canvas cargo channel chart cloud coast compass copper crane
    current dawn deck dock drift dusk eel engine estuary ferry fog foam gale gull harbour hatch haven heron hull
    island jetty keel kelp knot lantern ledger light line lock log mast mist moor morning mud net noon oar otter
    packet pier pilot plank port quay rain reef rope rudder sail salt sand season shelf shoal shore signal silt slip
    smoke sound spar squall star steam stone storm strait tar tide timber tower trade vessel voyage watch wave
    weather weir wharf wind winter yard yarn
"""
_VERBS = (
    "carries meets follows answers crosses marks leaves keeps passes finds turns holds lifts warms counts remembers"
)
_STYLE = (
    "body{font:17px/1.6 Georgia,serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#213}"
    "nav a{margin-right:1rem}a{color:#06608a}h1{line-height:1.2}footer{margin-top:3rem;font-size:.85em;color:#678}"
)
_FOOTER = "<footer><p>Kept by the harbour office. Tide tables without warranty.</p></footer>\n"


def document(
    title: str,
    links: Sequence[Link],
    *,
    paragraphs: Sequence[str] = (),
    lang: str = "en",
    size_bytes: int = 0,
    meta_charset: str = "",
    base: str = "",
) -> str:
    """Returns a whole HTML document of at least `size_bytes` characters, with every link in an `<a href>`, in order.

    The description is the first of the paragraphs.
    """
    description = paragraphs[0] if paragraphs else f"{title}: from the harbour office."
    opening = _head(title, description, lang, meta_charset, base)
    nav = "".join(map(_anchor, links[:NAV_LINKS]))
    text = _text(title, paragraphs, links[NAV_LINKS:], size_bytes - len(opening) - len(nav))
    return (
        f'{opening}<body>\n<nav class="top" aria-label="Main">{nav}</nav>\n<main id="content">\n'
        f"<h1>{escape(title)}</h1>\n{text}</main>\n{_FOOTER}</body>\n</html>\n"
    )


@lru_cache(maxsize=LABELS_KEPT)
def label(href: str) -> str:
    """Returns words for a link: the last meaningful part of its address."""
    path, _, query = href.partition("#")[0].partition("?")
    parts = [part for part in path.split("/") if part.strip(".")]
    words = parts[-1].removesuffix(".html").removesuffix(".test").replace("-", " ") if parts else "home"
    return f"{words.capitalize()} {query.replace('=', ' ').replace('&', ', ')}".strip()


@cache
def pool() -> tuple[str, ...]:
    """Returns the paragraphs that all pages share: a few hundred bytes each, wrapped in `<p>`."""
    dice, nouns, verbs = random.Random(POOL_SEED), _NOUNS.split(), _VERBS.split()
    return tuple(_paragraph(dice, nouns, verbs) for _ in range(POOL_PARAGRAPHS))


def _head(title: str, description: str, lang: str, meta_charset: str, base: str) -> str:
    charset = f'<meta charset="{meta_charset}">\n' if meta_charset else ""
    based = f'<base href="{escape(base)}">\n' if base else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n{charset}{based}<title>{escape(title)}</title>\n'
        f'<meta name="description" content="{escape(description)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta property="og:title" content="{escape(title)}">\n<style>{_STYLE}</style>\n</head>\n'
    )


def _text(title: str, paragraphs: Sequence[str], links: Sequence[Link], wanted_bytes: int) -> str:
    """Returns the main text: the given paragraphs, then links, and pool paragraphs up to the wanted size."""
    parts = [f"<p>{escape(paragraph)}</p>\n" for paragraph in paragraphs]
    parts += (_see_also(links[at : at + LINKS_PER_PARAGRAPH]) for at in range(0, len(links), LINKS_PER_PARAGRAPH))
    missing = wanted_bytes - sum(map(len, parts))
    filler = list(_filler(title, missing))
    return "".join(_spread(parts, filler))


def _filler(title: str, missing_bytes: int) -> Iterator[str]:
    texts = pool()
    for paragraph in islice(cycle(texts), crc32(title.encode()) % len(texts), None):
        if missing_bytes <= 0:
            return
        missing_bytes -= len(paragraph)
        yield paragraph


def _spread(few: list[str], many: list[str]) -> list[str]:
    """Returns both lists as one, with the second spread evenly between the parts of the first."""
    step = len(many) / (len(few) or 1)
    spread: list[str] = []
    for index, part in enumerate(few):
        spread += [part, *many[round(index * step) : round((index + 1) * step)]]
    return spread or many


def _see_also(links: Sequence[Link]) -> str:
    return f'<p class="see">See also {", ".join(map(_anchor, links))}.</p>\n'


def _anchor(link: Link) -> str:
    href, words = link
    return f'<a class="link" href="{escape(href)}">{escape(words)}</a> '


def _paragraph(dice: random.Random, nouns: Sequence[str], verbs: Sequence[str]) -> str:
    sentences = " ".join(_sentence(dice, nouns, verbs) for _ in range(dice.randint(4, 9)))
    return f'<p class="text" data-lines="{dice.randint(3, 12)}">{sentences}</p>\n'


def _sentence(dice: random.Random, nouns: Sequence[str], verbs: Sequence[str]) -> str:
    subject, object_, place = dice.sample(nouns, 3)
    extra = " and ".join(dice.sample(nouns, dice.randint(1, 3)))
    return f"The {subject} {dice.choice(verbs)} the {object_} by the {place}, with <em>{extra}</em> close behind."
