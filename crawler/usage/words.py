"""Reads signals about use into statements, each in linear time: Content-Signal, Content-Usage, directives, TDMRep."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from ..model import Statement

PURPOSES = ("search", "archive", "ai-train", "ai-input")
MAX_TEXT = 8192
"""Characters of one signal that are read: far more than an honest one has."""
MOST_TEXT = 200
"""Characters of a signal that are kept with its statement."""
MOST_STATEMENTS = 100
"""Statements of one answer that are kept."""
_WORDS = {
    "content-signal": {"search": "search", "ai-input": "ai-input", "ai-train": "ai-train"},
    "content-usage": {"search": "search", "train-ai": "ai-train"},
}
"""The words of each signal and the purposes that they speak of. Others mean nothing to us, as the drafts ask."""
_ANSWERS = {"content-signal": {"yes": True, "no": False}, "content-usage": {"y": True, "n": False}}
_SPELLING = {"content-signal": "Content-Signal", "content-usage": "Content-Usage"}
_MINED = ("ai-train", "ai-input")
"""Purposes that are text and data mining, and those that `noai` is about."""
_DIRECTIVES = {
    "noindex": ("search",), "none": ("search",), "noarchive": ("archive",), "noai": _MINED, "noimageai": _MINED,
    "nosnippet": ("ai-input",), "max-snippet:0": ("ai-input",),
}  # fmt: skip
_SEPARATORS = re.compile(r"[,\s]+")


def read_preferences(name: str, value: str) -> Iterator[tuple[str, bool]]:
    """Yields the purposes that a Content-Signal or Content-Usage speaks of, and whether it agrees.

    `name` is in lower case. If the same word comes twice in Content-Usage, the last one counts (RFC 9651); in
    Content-Signal, for which no rule is known, `no` wins.
    """
    words, answers = _WORDS[name], _ANSWERS[name]
    found: dict[str, bool] = {}
    for part in value[:MAX_TEXT].split(","):
        word, _, said = part.partition(";")[0].partition("=")
        purpose, answer = words.get(word.strip().lower()), answers.get(said.strip().lower())
        if purpose is None:
            continue
        if name == "content-usage":
            found.pop(purpose, None)
            if answer is not None:
                found[purpose] = answer
        elif answer is not None:
            found[purpose] = answer and found.get(purpose, True)
    yield from found.items()


def read_fields(name: str, values: Iterable[str], where: str) -> list[Statement]:
    """Returns the statements of a Content-Signal or Content-Usage; several values of a field are one list."""
    value = ", ".join(values)
    text = cut(f"{_SPELLING[name]}: {value}")
    return [Statement(purpose, allowed, where, text) for purpose, allowed in read_preferences(name, value)]


def read_tdm(value: str, where: str, text: str) -> list[Statement]:
    """Returns the statements of a `tdm-reservation` (TDMRep): 1 reserves mining, 0 does not, all else says nothing."""
    said = value.strip()
    return [Statement(one, said == "0", where, cut(text)) for one in _MINED] if said in {"0", "1"} else []


def read_directives(contents: Iterable[str], where: str, name: str, *, is_image: bool) -> list[Statement]:
    """Returns the statements of robots directives that concern us, as X-Robots-Tag or a robots meta has them.

    `noimageai` concerns the images of a page; of an image it concerns all.
    """
    found = []
    for content in contents:
        text = content[:MAX_TEXT].lower().replace("max-snippet: ", "max-snippet:")
        for word in dict.fromkeys(_SEPARATORS.split(text)):
            of = "images" if word == "noimageai" and not is_image else ""
            found += [Statement(purpose, False, where, f"{name}: {word}", of) for purpose in _DIRECTIVES.get(word, ())]
        if len(found) >= MOST_STATEMENTS:
            break
    return found[:MOST_STATEMENTS]


def find_refusal(statements: Iterable[Statement], purposes: Collection[str]) -> Statement | None:
    """Returns the first statement that refuses one of the purposes. One refusal outweighs all that agrees."""
    return next((one for one in statements if not one.allowed and not one.of and one.purpose in purposes), None)


def cut(text: str) -> str:
    """Returns a text in one line, cut where it is long."""
    line = " ".join(text[: 2 * MOST_TEXT].split())
    return line if len(line) <= MOST_TEXT else line[: MOST_TEXT - 3] + "..."
