"""Calls checks that users write, one record at a time. One that raises is not called again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from ..errors import ConfigError
from ..records import Record
from ..runtime.foreign_errors import describe
from ..runtime.named_functions import load_function
from .codes import FINDINGS
from .finding import Severity

MOST_DETAIL = 300
"""Characters that are kept of a detail."""
_CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")


class Problem(NamedTuple):
    """One thing that an own check found on a page."""

    code: str
    """A word of your own in small letters, digits and hyphens: `no-price`."""
    detail: str = ""
    """A few words about the fault."""
    severity: Severity | str = Severity.WARNING
    """`error`, `warning` or `notice`."""
    advice: str = ""
    """One line that says what to do."""


Check: TypeAlias = Callable[[Record], Iterable[Problem] | None]
"""An own check: gets each record of a page as docs/records.md has it, and returns what is wrong with that page."""


def load_check(name: str) -> Check:
    """Returns the function that `module:function` names, also of a file in the current folder. Raises ConfigError."""
    try:
        check: Check = load_function(name)  # type: ignore[assignment]
    except ValueError as error:
        raise ConfigError(f"--check {name}: {error}") from error
    return check


class Checks:
    """The checks of one audit, and which of them have failed."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = list(checks)
        self.failed: list[tuple[str, str, str]] = []
        """The name of each check that failed, the URL of the record at which it did, and its error."""

    def run(self, record: Record) -> list[Problem]:
        """Returns what all checks find. What a check yields before it fails is dropped."""
        found: list[Problem] = []
        for check in list(self._checks):
            try:
                found += [_examine(one) for one in check(record) or ()]
            except Exception as error:  # noqa: BLE001 - code of others may raise anything
                self._checks.remove(check)
                self.failed.append((_name(check), str(record.get("url")), describe(error)[:MOST_DETAIL]))
        return found


def _name(check: Check) -> str:
    return f"{getattr(check, '__module__', '')}:{getattr(check, '__qualname__', check)}"


def _examine(given: object) -> Problem:
    """Returns a problem with its values checked. Raises TypeError, ValueError."""
    if not isinstance(given, Problem):
        raise TypeError(f"a check gives Problem(...), not {type(given).__name__}")
    if not _CODE.fullmatch(given.code):
        raise ValueError(f"the code of a problem has small letters, digits and hyphens, not {given.code!r}")
    if given.code in FINDINGS:
        raise ValueError(f"{given.code} is a code of crawld's own: choose another word")
    detail, advice = str(given.detail)[:MOST_DETAIL], str(given.advice)[:MOST_DETAIL]
    return Problem(given.code, detail, Severity(given.severity), advice)
