"""Numbers with their nouns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import crawler
from crawler.runtime.counting import many

ROOT = Path(crawler.__file__).parents[1]


@pytest.mark.parametrize(
    ("n", "noun", "nouns", "said"),
    [
        (0, "page", "", "0 pages"),
        (1, "page", "", "1 page"),
        (2, "page", "", "2 pages"),
        (1200, "page", "", "1,200 pages"),
        (1, "page is", "pages are", "1 page is"),
        (3, "page is", "pages are", "3 pages are"),
    ],
)
def test_one_is_one_page(n: int, noun: str, nouns: str, said: str) -> None:
    assert many(n, noun, nouns) == said


def test_no_file_makes_a_plural_of_its_own() -> None:
    """`page{'s' if n != 1 else ''}` and its kind, in the library and in the command."""
    own = re.compile(r"""['"]s['"]? if .*[!=]= 1|['"]['"] if .* == 1 else ['"]e?s['"]|\{n\} \w+s\b""")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("crawler", "cli")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if own.search(line)
    ]
    assert found == []
