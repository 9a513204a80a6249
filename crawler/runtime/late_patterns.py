"""Regular expressions that are compiled when they are first used: a large one takes a millisecond or two."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def compile_late(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Returns an expression whose methods may be called, as those of `re.compile`."""
    return cast("re.Pattern[AnyStr]", _Late(pattern, flags))


class _Late:
    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._text: Any = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Returns what the expression has by this name, and keeps it at hand."""
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found
