"""Finds the name that a misspelt word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


def find_nearest(word: str, names: Iterable[str]) -> str | None:
    """Returns the name that is most like this word; None if none is like it."""
    return next(iter(get_close_matches(word, list(names), 1)), None)


def did_you_mean(word: str, names: Iterable[str], otherwise: str = "") -> str:
    """Returns the end of a message: `; did you mean NAME?`, or another one if no name is like the word."""
    near = find_nearest(word, names)
    return f"; did you mean {near}?" if near else otherwise


def did_you_mean_file(path: Path, otherwise: str = "") -> str:
    """Returns the end of a message about a file that is not there, as `did_you_mean` does of what stands beside it."""
    try:
        near = find_nearest(path.name, [entry.name for entry in path.parent.iterdir()])
    except OSError:
        near = None
    return f"; did you mean {path.with_name(near)}?" if near else otherwise
