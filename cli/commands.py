"""Lists the commands of `crawl`, and loads the one that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer

COMMANDS = {
    "run": "Crawl seeds into a folder: what `crawl SEEDS...` does.",
    "try": "Show what selectors and functions make of one page.",
    "forecast": "Say how large a crawl would be and how long it would take.",
    "explain": "Say why a page is missing, or why a URL is fetched.",
    "status": "Say what stands in a crawl folder, and what to do next.",
    "inspect": "Say what a crawl brought, or tell the story of one URL.",
    "search": "Find pages of a crawl by words.",
    "index": "Make the index for `crawl search`, or bring it up to date.",
    "why-slow": "Say what bound a crawl's speed over time, and what would help.",
    "diff": "Tell two crawls apart.",
    "check": "Check a site against a baseline, for continuous integration.",
    "changes": "List what revisits found: new, changed, moved and gone pages.",
    "export": "Write a crawl as a table, an index or a web archive.",
    "sql": "Ask a crawl in SQL: its pages, links, errors and sites.",
    "report": "Say what is wrong with a crawled site, or write it as a page.",
    "prove": "Prove from its record of requests how a crawl treated each site.",
    "merge": "Put together what the nodes of a crawl in an engine wrote.",
    "pack": "Write what proves how a crawl went into one signed file.",
    "verify": "Check a file that `crawl pack` made.",
    "identity": "Make the key by which your crawler signs, and what you publish about it.",
    "nodes": "List the nodes of a crawl in an engine; drain or forget one.",
    "work": "Take part in all crawls of an engine, until stopped.",
    "repair": "Mend a crawl folder whose frontier is damaged.",
    "replay": "Crawl over WARC or WACZ files instead of the network.",
    "demo": "Crawl a small web of 24 sites on this machine.",
    "bench": "Measure for a minute how fast this machine crawls.",
    "serve": "Run a daemon that holds many crawls.",
    "mcp": "Let models fetch pages and crawl sites (Model Context Protocol).",
    "config": "Show settings, check a file of settings, or write a new one.",
    "jobs": "List, add and control the jobs of a daemon (`crawl serve`).",
}
"""Every command, with the line that `crawl --help` shows. Its file has its name, with `_` for `-`, and so has its
function; the file of a command that has commands of its own has an `app` instead."""
_HOMES = {"try": "try_page"}
"""Files and functions of commands whose names mean something in Python."""


class LoadedCommands(Mapping[str, Any]):
    """The commands by name. One is imported and built when it is asked for: a crawl needs one of them.

    Commands are Any here: their class is typer's own in one version and click's in another.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _build(name, COMMANDS[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _build(name: str, short_help: str) -> Any:
    place = _HOMES.get(name, name.replace("-", "_"))
    home = import_module(f".{place}", __package__)
    app = getattr(home, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, short_help=short_help)(getattr(home, place))
    built: Any = typer.main.get_command(app)
    built.name = name
    for param in built.params:
        _convert_only_given(param)
    return built


def _convert_only_given(param: Any) -> None:
    """Answers as its parser would for an option that was not given, or is a text: it makes a converter first, 1 ms."""
    if param.required or param.callback:
        return
    convert, absent = param.process_value, () if param.multiple or param.nargs == -1 else None
    told = getattr(param, "type_descriptor", None)
    takes_texts = told is not None and told.annotation in (str, list[str]) and told.parameter_info.parser is None

    def process(ctx: Any, value: Any) -> Any:
        if value is None:
            return absent
        is_default = isinstance(value, bool | int) and value is param.default
        return value if is_default or (takes_texts and _is_plain(value)) else convert(ctx, value)

    param.process_value = process


def _is_plain(value: object) -> bool:
    """Whether a text, or a list of texts, needs no look: others may hold bytes that are no UTF-8."""
    match value:
        case str():
            return value.isascii()
        case list():
            return all(map(_is_plain, value))
    return False
