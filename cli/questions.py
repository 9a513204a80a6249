"""`crawl` alone on a terminal: asks three questions, and makes the command line of their answers."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from crawler import escape_text

from .exit_codes import Exit
from .stderr import tell_line

Check = Callable[[Sequence[str]], None]
"""Raises an error of the command's own for arguments that it would refuse."""


class Choice(NamedTuple):
    """One answer to a question."""

    word: str
    meaning: str
    arguments: tuple[str, ...]


FARTHEST = (
    Choice("pages", "these pages alone", ("--depth", "0")),
    Choice("folder", "the folder of each page, and what is below it", ("--reach", "prefix")),
    Choice("site", "the whole site of each page", ()),
    Choice("domain", "the site and its subdomains", ("--reach", "domain")),
    Choice("links", "these pages and all that they link to, on any site", ("--reach", "any", "--depth", "1")),
)
HOME = (
    Choice("records", "a record of each page: status, title, times, digest", ()),
    Choice("links", "the record with the page's links", ("--links",)),
    Choice("text", "the record with the page's readable text", ("--text",)),
    Choice("all", "the record with links and text", ("--links", "--text")),
)
PAGES = "1000"
"""The limit of pages that Enter takes: enough to see what a site holds, and over in a quarter of an hour."""
NO_LIMIT = ("0", "none", "no limit", "all")


def is_wanted() -> bool:
    """Returns whether there is a person to ask: all three standard files are a terminal."""
    return all(file.isatty() for file in (sys.stdin, sys.stdout, sys.stderr))


def ask(check: Check) -> list[str]:
    """Returns the arguments that the answers make, once they were confirmed. Raises Exit where nobody answers."""
    tell_line("Three questions make the command. Enter takes what stands in brackets, Ctrl-C leaves.")
    tell_line("`crawl --help` shows all options, and `crawl demo` crawls a small web on this machine.")
    tell_line("")
    tell_line("1. What to crawl? Addresses such as example.org, or files with addresses:")
    arguments = _ask_until(lambda said: _seeds(said, check))
    if not _continues(arguments):
        tell_line("2. How far?")
        farthest = _choose(FARTHEST, 3)
        arguments += farthest
        if farthest != ["--depth", "0"]:
            tell_line(f"   And how many pages at most? 0: no limit [{PAGES}]")
            arguments = _ask_until(lambda said: _with_limit(arguments, said, check))
        tell_line("3. What to take home?")
        arguments += _choose(HOME, 1)
    tell_line("")
    tell_line(f"  {escape_text(shlex.join(['crawl', *arguments]))}")
    tell_line("")
    tell_line("Enter runs this command, Ctrl-C leaves")
    _read()
    return arguments


def _ask_until(take: Callable[[str], list[str]]) -> list[str]:
    """Returns what `take` makes of the first answer that it takes; says what is wrong with the others."""
    from crawler import CrawlError

    while True:
        try:
            return take(_read())
        except CrawlError as error:
            tell_line(f"   {error}")


def _read() -> str:
    """Returns the next line that is typed. Raises Exit at its end (Ctrl-D)."""
    print("   > ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise typer.Exit(Exit.CANCELLED)
    return line.strip()


def _seeds(said: str, check: Check) -> list[str]:
    from crawler import ConfigError

    if not said:
        raise ConfigError("name an address, such as example.org, or a file")
    try:
        words = [said] if Path(said).exists() else shlex.split(said)
    except ValueError:  # a quotation mark alone
        words = [said]
    if not _continues(words):
        check(words)
    return words


def _continues(words: Sequence[str]) -> bool:
    """Returns whether it is a crawl folder that is named, which holds the answers to the other questions."""
    return any((Path(word) / "crawl.toml").is_file() for word in words)


def _with_limit(arguments: Sequence[str], said: str, check: Check) -> list[str]:
    if said.lower() in NO_LIMIT:
        return list(arguments)
    limited = [*arguments, "--limit", said.replace(",", "") or PAGES]
    check(limited)
    return limited


def _choose(choices: Sequence[Choice], usual: int) -> list[str]:
    """Returns the arguments of the choice that is named by its number or its word."""
    for number, choice in enumerate(choices, 1):
        mark = f"[{number}]" if number == usual else f" {number} "
        tell_line(f"  {mark} {choice.word:<8} {choice.meaning}")
    return _ask_until(lambda said: _pick(choices, said.lower() or str(usual)))


def _pick(choices: Sequence[Choice], said: str) -> list[str]:
    from crawler import ConfigError

    for number, choice in enumerate(choices, 1):
        if said in (str(number), choice.word):
            return list(choice.arguments)
    words = ", ".join(choice.word for choice in choices)
    raise ConfigError(f"{said!r} is not one of {words}; a number does as well")
