"""Cuts the markdown of a page into passages of bounded length, at its headings first. Pure, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t#]*$")
_FENCE = re.compile(r"(`{3,}|~{3,})")
_TABLE_LINE = re.compile(r"\|[\s:|-]+\|?\s*$")
_TOKENS = re.compile(r"[A-Za-z]{1,6}|[0-9]{1,3}|\S")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s*")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?: \"[^\"]*\")?\)")
_MARKUP = re.compile(r"\\([^A-Za-z0-9\s])|[*`~]+|(?<![\w\\])_+|_+(?!\w)")
_MARKER = re.compile(r"[#>|\s]*(?:[-+*]|[0-9]{1,9}[.)])?\s+")
_ANCHOR_WORDS = 8


class Passage(NamedTuple):
    """A part of a page."""

    headings: tuple[str, ...]
    """The headings above it, the widest first, without markup."""
    text: str
    """Its markdown."""
    tokens: int
    """About how many tokens of a language model that is."""
    anchor: str
    """The end of a URL that shows it: a text fragment, `#:~:text=...`."""


def count_tokens(text: str) -> int:
    """Returns about how many tokens a text is.

    Six Latin letters, three digits and any other character that is no space are one: more than models count, as a rule.
    """
    return len(_TOKENS.findall(text))


def cut(markdown: str, most: int) -> Iterator[Passage]:
    """Yields the passages of a page in their order, of `most` tokens each at most.

    None goes beyond a heading. Within a section, whole blocks stay together while they fit: paragraphs, lists, tables,
    blocks of code. A block that is too long is cut at its lines, its sentences, its words.
    """
    headings: list[tuple[int, str]] = []
    section: list[str] = []
    for block in _blocks(markdown):
        found = _HEADING.fullmatch(block)
        if found is None:
            section.append(block)
            continue
        yield from _pack(section, headings, most)
        section, level = [], len(found[1])
        headings = [*(one for one in headings if one[0] < level), (level, plain(found[2]))]
    yield from _pack(section, headings, most)


def plain(markdown: str) -> str:
    """Returns a line of markdown without its markup."""
    return " ".join(_MARKUP.sub(r"\1", _LINK.sub(r"\1", markdown)).split())


def _blocks(markdown: str) -> Iterator[str]:
    """Yields what stands between empty lines; headings and fences alone."""
    block: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        found = _FENCE.match(line)
        if fence:
            block.append(line)
            if found and line.strip() == found[0] and len(found[0]) >= len(fence) and found[0][0] == fence[0]:
                yield from _join(block)
                block, fence = [], ""
        elif found:
            yield from _join(block)
            block, fence = [line], found[0]
        elif not line.strip() or _HEADING.fullmatch(line):
            yield from _join(block)
            block = []
            yield from _join([line])
        else:
            block.append(line)
    yield from _join(block)


def _join(lines: list[str]) -> Iterator[str]:
    text = "\n".join(lines).strip("\n")
    if text and not text.isspace():
        yield text


def _pack(blocks: list[str], headings: list[tuple[int, str]], most: int) -> Iterator[Passage]:
    """Yields the passages of one section."""
    names, is_first = tuple(name for _, name in headings if name), True
    for text, tokens in _fill((part for block in blocks for part in _split(block, most)), "\n\n", most):
        if any(map(str.isalnum, text)):
            yield Passage(names, text, tokens, _anchor(names[-1] if names and is_first else text))
            is_first = False


def _fill(parts: Iterable[str], between: str, most: int) -> Iterator[tuple[str, int]]:
    """Yields texts of as many parts after one another as fit, with their tokens. No part is longer than `most`."""
    together: list[str] = []
    tokens = 0
    for part in parts:
        size = count_tokens(part)
        if together and tokens + size > most:
            yield between.join(together), tokens
            together, tokens = [], 0
        together.append(part)
        tokens += size
    if together:
        yield between.join(together), tokens


def _split(block: str, most: int) -> Iterator[str]:
    """Yields a block in parts of `most` tokens at most."""
    if count_tokens(block) <= most:
        yield block
        return
    lines = block.split("\n")
    before, rows, after = _frame(lines)
    room = most - count_tokens("\n".join([*before, *after]))
    if room < most // 2:  # a frame that leaves no room is repeated nowhere
        before, rows, after, room = [], lines, [], most
    for text, _ in _fill((part for row in rows for part in _split_line(row, room)), "\n", room):
        yield "\n".join([*before, text, *after])


def _frame(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Returns the lines that each part of a block begins with, those between, and those that each ends with."""
    found = _FENCE.match(lines[0])
    if found and lines[-1].strip() == found[0]:
        return lines[:1], lines[1:-1], lines[-1:]
    if len(lines) > 2 and lines[0].startswith("|") and _TABLE_LINE.match(lines[1]):
        return lines[:2], lines[2:], []
    return [], lines, []


def _split_line(line: str, most: int) -> Iterator[str]:
    """Yields a line in parts: at the ends of its sentences, else between words, else anywhere."""
    if count_tokens(line) <= most:
        yield line
        return
    for sentence, tokens in _fill(_sentences(line, most), " ", most):
        assert tokens <= most
        yield sentence


def _sentences(line: str, most: int) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(line):
        if count_tokens(sentence) <= most:
            if sentence:
                yield sentence
            continue
        for word in sentence.split():
            pieces = _TOKENS.findall(word)
            for at in range(0, len(pieces), most):
                yield "".join(pieces[at : at + most])


def _anchor(text: str) -> str:
    """Returns a text fragment of the first words of a text."""
    line = next((line for line in map(plain, text.split("\n")) if any(map(str.isalnum, line))), "")
    words = _MARKER.sub("", f" {line}", count=1).split("|")[0].split()[:_ANCHOR_WORDS]
    return f"#:~:text={quote(' '.join(words), safe='').replace('-', '%2D')}" if words else ""
