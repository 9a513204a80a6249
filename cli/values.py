"""Parses the times, sizes and shares that people type; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from crawler import Config, Reason

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_STEPS = " KMGT"


PURPOSE = "Use of the content: search, archive, ai-train, ai-input. Repeatable; what sites say of it is recorded."
RESPECT = "Preferences of sites about use: record, obey (keep nothing that is refused). [default: record]"
TRUST_FOLDER = "Use a folder or a settings file that belongs to another account."
OPEN_FOLDER = "Use a folder that others can write to; keep its files' permissions."


PARSE = "parse"


class Share(NamedTuple):
    """A number of failures, or a percentage of all."""

    amount: float
    is_percentage: bool
    is_of_parsing: bool = False
    """It is about pages that were fetched and could not be parsed, not about URLs that failed."""

    def is_exceeded(self, failed: int, total: int) -> bool:
        return failed > (self.amount * total / 100 if self.is_percentage else self.amount)


def seconds(text: str) -> float:
    """Reads a time such as `90`, `30s`, `5m`, `2h`, `1d`, `1h30m`, in seconds. Raises BadParameter."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise typer.BadParameter(f"{text!r} is not a time; write 30s, 5m, 2h or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def size(text: str) -> int:
    """Reads a size such as `500`, `10K`, `10M`, `2G`, in bytes, in steps of 1024. Raises BadParameter."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a size; write 500K, 10M or 2G")
    number, unit = match.groups()
    return int(float(number) * 1024 ** _STEPS.index(unit.upper() or " "))


def near(text: str) -> str:
    """Reads what is left out of records: `near`, which `dedupe.near_duplicates` calls skip. Raises BadParameter."""
    if text not in ("near", "skip"):
        raise typer.BadParameter(f"{text!r} is not known; there is: near")
    return "skip"


def loops(text: str | int | None) -> int | None:
    """Reads a number of event loops, or `auto`. Raises BadParameter."""
    if text is None or isinstance(text, int):
        return text
    if text == "auto":
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is no number of event loops; write 2, 4 or auto")
    return int(text)


def share(text: str) -> Share:
    """Reads a number of failures (`10`), a percentage (`5%`), or `parse`: one page. Raises BadParameter."""
    if text == PARSE:
        return Share(0, False, is_of_parsing=True)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is neither a number of failures nor a percentage; write 10, 5% or parse")
    return Share(float(match[1]), bool(match[2]))


SAVED = ("html", "pdf", "images", "all", "screenshots", "prints")
"""Words that `--save` takes."""


def save_types(words: Sequence[str] | None) -> tuple[str, ...]:
    """Reads the types of bodies to save, which commas may separate. Raises BadParameter."""
    found = [one.strip() for word in words or () for one in word.split(",")]
    for one in found:
        if one not in SAVED:
            raise typer.BadParameter(f"{one!r} is none of {', '.join(SAVED)}", param_hint="--save")
    return tuple(dict.fromkeys(found))


def reasons(words: Sequence[str] | None) -> tuple[Reason, ...]:
    """Reads reasons why URLs failed or were excluded. `all` stands for every kind of failure. Raises BadParameter."""
    if not words:
        return ()
    from crawler import FAILURES, Reason
    from crawler.runtime.nearest import find_nearest

    found: list[Reason] = []
    for word in words:
        if word == "all":
            found += FAILURES
        elif word in set(Reason):
            found.append(Reason(word))
        else:
            near = find_nearest(word, Reason) or "dns"
            raise typer.BadParameter(
                f"{word!r} is not a reason for a failure; did you mean {near}?", param_hint="--retry-failed"
            )
    return tuple(dict.fromkeys(found))


def setting(text: str) -> tuple[str, str]:
    """Splits `KEY=VALUE`. Raises BadParameter."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE, such as politeness.delay_s=0.5")
    return key.strip(), value.strip()


def fields(words: Sequence[str] | None) -> dict[str, str] | None:
    """Reads fields, `NAME=SELECTOR` each; None for none. Raises BadParameter."""
    found: dict[str, str] = {}
    for word in words or ():
        name, equals, selector = word.partition("=")
        if not equals or not name.strip() or not selector.strip():
            said = f"{word!r} is not NAME=SELECTOR, such as 'price=css:.price as number'"
            raise typer.BadParameter(said, param_hint="--extract")
        if name.strip() in found:
            raise typer.BadParameter(f"{name.strip()!r} is named twice", param_hint="--extract")
        found[name.strip()] = selector.strip()
    return found or None


def memory(total_bytes: int | None) -> dict[str, object]:
    """Returns the settings with which a crawl takes at most this much memory; none for None."""
    if total_bytes is None:
        return {}
    from crawler import count_cores, plan_memory

    return plan_memory(total_bytes, count_cores())


def check_patterns(config: Config) -> None:
    """Raises ConfigError if a pattern of `include` or `exclude`, or a selector, cannot be read."""
    from crawler import check_patterns

    check_patterns("include", config.scope.include)
    check_patterns("exclude", config.scope.exclude)
    if config.extract.fields:
        from crawler import check_selectors

        check_selectors(config.extract.fields)
