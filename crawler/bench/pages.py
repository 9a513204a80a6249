"""Makes the pages that are fetched and parsed: prose and links, each page another one, all of the same size."""

from __future__ import annotations

import random
from functools import cache

PAGES = 4000
LINKS = 40
WORDS = 3000
"""Words of a page: 20 kB with the links."""
_SYLLABLES = "ba ko ri ta lu me no si de va po ga fi ro na te"


def make_pages(count: int = PAGES) -> list[bytes]:
    """Returns pages that lead to each other: from the first, all others are found."""
    rng = random.Random(1)
    syllables = _SYLLABLES.split()
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(5000)]
    text = " ".join(rng.choices(words, k=WORDS + count))
    places = [at for at, letter in enumerate(text) if letter == " "]
    return [_page(number, count, text[places[number] : places[number + WORDS - 1]]) for number in range(count)]


@cache
def make_sized(size: int, count: int) -> list[bytes]:
    """Returns pages of about so many bytes, with a link for each 500 bytes."""
    template = make_pages(count)
    made = []
    for page in template:
        head, _, rest = page.partition(b"<ul>")
        links = rest.split(b"\n")[: min(LINKS, max(1, size // 500))]
        room = max(0, size - sum(map(len, links)) - 40)
        text = (head * (room // len(head) + 1))[:room]
        made.append(text + b"</p><ul>" + b"\n".join(links) + b"</ul></body></html>")
    return made


def _page(number: int, count: int, text: str) -> bytes:
    following = [(number * 4 + step) % count for step in range(1, 5)] + [
        (number + step) % count for step in range(1, LINKS - 3)
    ]
    links = "".join(f'<li><a href="/{one}">what page {one} says</a></li>\n' for one in following)
    paragraphs = "".join(f"<p>{text[at : at + 600]}</p>\n" for at in range(0, len(text), 600))
    head = f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Page {number}</title></head>"
    return f"{head}<body><h1>Page {number}</h1>{paragraphs}<ul>{links}</ul></body></html>".encode()
