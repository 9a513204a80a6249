"""Reads a list that a test wrote, and keeps all that the reader said."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from crawler.seeds import BadSeed, Taken, read


class Got(NamedTuple):
    """What came of a list."""

    urls: list[str]
    bad: list[tuple[int, str]]
    """Line and reason."""
    told: list[str]
    """What it was taken for, without the folder."""
    lines: list[str]
    """The bad lines, as they were."""


def got(folder: Path, content: str | bytes, name: str = "urls.txt", column: str | None = None) -> Got:
    """Raises SeedError."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    bad, taken = list[BadSeed](), list[Taken]()
    urls = [url.text for url in read([str(path)], bad.append, column=column, on_taken=taken.append)]
    told = [str(one).removeprefix(f"{folder}/") for one in taken]
    return Got(urls, [(one.line, one.why) for one in bad], told, [one.text for one in bad])
