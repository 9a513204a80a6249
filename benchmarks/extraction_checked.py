"""How many of 100 pages that were read by hand have the right main text: a part of `extraction`.

`checked_pages.tsv` names each page by the beginning of its SHA-256, and the text by digests of its first and last 24
letters, for the pages are others' work. They come from packages of Debian and from the sets of htmldate and
trafilatura; docs/extraction.md says which.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import turbohtml

from crawler.parse.main_text import find_main

TABLE = Path(__file__).parent / "checked_pages.tsv"
LETTERS = 24
"""Letters and digits of each end of a text that are compared."""
_AT_MOST = 150
"""Letters that may stand before the first sentence (a heading, a name, a date) and behind the last one."""
_LARGEST = 1 << 20


class Checked(NamedTuple):
    """A page that a person read."""

    kind: str
    page: str
    """The first 20 hexadecimal digits of the SHA-256 of its bytes."""
    first: str
    last: str


def tell_checked(folder: Path) -> None:
    """Prints for each kind of pages how many have the right text, of those of the table that the folder has."""
    table = [Checked(*line.split("\t")) for line in TABLE.read_text().splitlines()]
    wanted = {one.page: one for one in table}
    found = {name: file for file in sorted(folder.rglob("*.htm*")) if (name := _name(file)) in wanted}
    all_of: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for name, file in found.items():
        kind = wanted[name].kind
        all_of[kind] += 1
        right[kind] += is_right(wanted[name], file.read_bytes())
    print(
        f"checked by hand: {right.total()} of {all_of.total()} pages ({len(table) - len(found)} of the table not found)"
    )
    for kind, number in sorted(all_of.items()):
        print(f"  {kind}: {right[kind]} of {number}")


def is_right(checked: Checked, body: bytes) -> bool:
    """Whether the main text of a page begins and ends where the one who read it says."""
    main = find_main(turbohtml.parse(body))
    text = "".join(filter(str.isalnum, main.text if main else "")).casefold()
    return _has(text[: _AT_MOST + LETTERS], checked.first) and _has(text[-_AT_MOST - LETTERS :], checked.last)


def _has(text: str, digest: str) -> bool:
    windows = (text[at : at + LETTERS] for at in range(len(text) - LETTERS + 1))
    return any(sha256(one.encode()).hexdigest().startswith(digest) for one in windows)


def _name(file: Path) -> str:
    if not file.is_file() or file.stat().st_size > _LARGEST:
        return ""
    return sha256(file.read_bytes()).hexdigest()[:20]
