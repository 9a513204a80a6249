"""What people write for times, sizes and shares, as numbers; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from crawler.model import Reason

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_STEPS = " KMGT"


TRUST_FOLDER = "Obey a folder or a file of settings that belongs to another account."
OPEN_FOLDER = "Use a folder that others can write to, and leave its files as readable as they are."


class Share(NamedTuple):
    """A number of failures, or a percentage of all."""

    amount: float
    is_percentage: bool

    def is_exceeded(self, failed: int, total: int) -> bool:
        return failed > (self.amount * total / 100 if self.is_percentage else self.amount)


def seconds(text: str) -> float:
    """`90`, `30s`, `5m`, `2h`, `1d`, `1h30m`."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise typer.BadParameter(f"{text!r} is no time; write 30s, 5m, 2h or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def size(text: str) -> int:
    """`500`, `10K`, `10M`, `2G`: in steps of 1024."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no size; write 500K, 10M or 2G")
    number, unit = match.groups()
    return int(float(number) * 1024 ** _STEPS.index(unit.upper() or " "))


def share(text: str) -> Share:
    """`10`: so many failures; `5%`: so many of a hundred."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is neither a number of failures nor a percentage; write 10 or 5%")
    return Share(float(match[1]), bool(match[2]))


def reasons(words: Sequence[str] | None) -> tuple[Reason, ...]:
    """Why URLs failed or were excluded: `all` stands for every kind of failure."""
    if not words:
        return ()
    from crawler.model import Reason
    from crawler.policy.wider import FAILURES

    found: list[Reason] = []
    for word in words:
        if word == "all":
            found += FAILURES
        elif word in set(Reason):
            found.append(Reason(word))
        else:
            near = get_close_matches(word, set(Reason), 1) or ["dns"]
            raise typer.BadParameter(
                f"{word!r} is no reason for a failure; did you mean {near[0]}?", param_hint="--retry-failed"
            )
    return tuple(dict.fromkeys(found))


def setting(text: str) -> tuple[str, str]:
    """`KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE, such as politeness.delay_s=0.5")
    return key.strip(), value.strip()


def memory(total_bytes: int | None) -> dict[str, object]:
    """The settings under which a crawl takes no more than that; none for None."""
    if total_bytes is None:
        return {}
    from crawler.offload import cores
    from crawler.settings.memory_plan import plan_memory

    return plan_memory(total_bytes, cores())
