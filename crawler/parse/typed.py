"""Reads numbers and dates as pages write them: `1.299,00 €` is 1299.0, `12 March 2024` is 2024-03-12."""

from __future__ import annotations

import re
from datetime import date
from html import escape

from turbohtml.extract import DateExtraction, dates

from .moments import read_moment

_LONGEST = 256
"""Characters of a text in which a number or a date is looked for."""
_MOST_DIGITS = 40
_BLANK = "[ \u00a0\u2009\u202f'\u2019]"
_NUMBER = re.compile(
    rf"(?:(?<!\w)([-\u2212])[ ]?[^\w\s.,]?[ ]?)?"
    rf"(\d{{1,3}}(?:{_BLANK}\d{{3}})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,\u066b\u066c]\d+)*|(?<![\w.,])\.\d+)"
)
_BLANKS = re.compile(_BLANK)
_FAMILIAR = str.maketrans({"\u066b": ".", "\u066c": ""})
"""The decimal point of Arabic, and its separator of thousands."""
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{2})*[.,]\d{3}|\d{1,3}(?:[.,]\d{3})+")
"""Matches a number whose digits are grouped by threes, or as in India."""
_IN_ORDER = re.compile(r"(?<!\d)(\d{4})[^\d\n]{1,3}(\d{1,2})[^\d\n]{1,3}(\d{1,2})(?!\d)")
_MONTH_FIRST = re.compile(r"(?<!\d)(0?\d|1[0-2])/(1[3-9]|2\d|3[01])/(\d{4})(?!\d)")
_ANY_YEAR = DateExtraction(original=True, min_date=date(1000, 1, 1), max_date=date(2999, 12, 31))


def read_number(text: str) -> int | float | None:
    """Returns the first number of a text, whichever signs its country groups and ends it with; None: there is none.

    A point or comma before exactly three digits groups them (1.299 is 1299, 0.125 is not); any other one is decimal.
    """
    found = _NUMBER.search(text[:_LONGEST])
    if not found or len(found[2]) > _MOST_DIGITS:
        return None
    plain = _make_plain(_BLANKS.sub("", found[2]).translate(_FAMILIAR))
    if plain is None:
        return None
    value = float(plain) if "." in plain else int(plain)
    value = value if abs(value) < 1 << 63 else float(value)
    return -value if found[1] else value


def _make_plain(digits: str) -> str | None:
    """Returns digits with one point for decimals, if any; None: they are a date or a version."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        last = "." if digits.rindex(".") > digits.rindex(",") else ","
        if digits.count(last) > 1:
            return None
        return digits.replace("," if last == "." else ".", "").replace(last, ".")
    if points + commas > 1:
        return digits.replace(".", "").replace(",", "") if _GROUPED.fullmatch(digits) else None
    if points + commas == 1 and digits[0] != "0" and _GROUPED.fullmatch(digits):
        return digits.replace(".", "").replace(",", "")
    return digits.replace(",", ".")


def read_date(text: str) -> str | None:
    """Returns the first date or moment of a text as ISO 8601 has it; None: there is none.

    Of numbers alone, as in 03/12/2024, the day is taken to come first, unless it cannot be one.
    """
    text = text.strip()[:_LONGEST]
    if moment := read_moment(text):
        return moment
    if (found := _IN_ORDER.search(text)) and (day := read_moment(f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}")):
        return day
    if (found := _MONTH_FIRST.search(text)) and (day := read_moment(f"{found[3]}-{found[1]:0>2}-{found[2]}")):
        return day
    shown = dates(f"<p>{escape(text)}</p>", _ANY_YEAR)
    return shown.date if shown else None
