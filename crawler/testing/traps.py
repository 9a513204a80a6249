"""Offers endless places: calendars, repeating paths, session ids. A trap is a function from a target to its page."""

from __future__ import annotations

from dataclasses import replace

from crawler.testing.pages import Asked, Page, html, missing
from crawler.testing.web import Trap
from crawler.testing.wire import Answer


def calendar(prefix: str = "/calendar/", *, first: int = 2020 * 12, months: int | None = None) -> Trap:
    """Returns a calendar under `<prefix>YYYY-MM` with links to neighbouring months, endless or `months` long.

    Months count from year 0, January 0, so that 2026-11 is 2026 * 12 + 10.
    """

    def is_open(month: int) -> bool:
        return month >= 0 and (months is None or first <= month < first + months)

    def page(target: str) -> Page:
        month = _month(target.removeprefix(prefix)) if target != prefix else first
        if month is None or not is_open(month):
            return missing()
        return html(
            f"Calendar of {_name(month)}", [prefix + _name(near) for near in (month - 1, month + 1) if is_open(near)]
        )

    return page


def calendar_targets(prefix: str, first: int, months: int) -> list[str]:
    """Returns the targets of a bounded calendar."""
    return [prefix + _name(month) for month in range(first, first + months)]


def repeating_paths(prefix: str = "/loop/") -> Trap:
    """Returns a trap of relative links that lead ever deeper: /loop/a/b/a/b/a/..."""
    return lambda target: html(f"Depth {target.count('/')}", ["a/", "b/", "../../a/b/"])


def growing_queries(prefix: str = "/filter") -> Trap:
    """Returns a faceted search in which every page offers one more filter."""

    def page(target: str) -> Page:
        mark = "&" if "?" in target else "?"
        facets = target.count("=")
        return html(f"Filtered {facets} times", [f"{target}{mark}f{facets:03}={value}" for value in ("red", "blue")])

    return page


def session_ids(prefix: str = "/shop/") -> Trap:
    """Returns the same three shelves for ever, with links that have a new session id in every answer."""
    book = replace(html("Shop", [f"{prefix}{shelf}" for shelf in ("a", "b", "c")]), fixed=False)

    def answer(asked: Asked) -> Answer:
        session = abs(hash((asked.target, asked.visit))) % 10**8
        shelves = [f"{prefix}{shelf}?sid={session:08}" for shelf in ("a", "b", "c")]
        return html(f"Shelf {asked.target.partition('?')[0]}", shelves).answer(asked)

    return lambda _: replace(book, answer=answer)


def _month(name: str) -> int | None:
    year, mark, month = name.partition("-")
    if not (mark and year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12):
        return None
    return int(year) * 12 + int(month) - 1


def _name(month: int) -> str:
    return f"{month // 12:04}-{month % 12 + 1:02}"
