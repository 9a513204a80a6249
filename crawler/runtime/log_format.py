"""Formats log lines, harmless whatever the network sent, and writes them to files that a full disk does not stop."""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from .escaping import escape_text
from .private_files import opener

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
MOST_OF_LINE = 8192
"""Most characters of one line: text from outside may be longer than anybody reads."""


class Lines(logging.Formatter):
    """Formats an event as one line, in UTC; a traceback keeps its lines."""

    def __init__(self) -> None:
        super().__init__(_FORMAT, _TIME)
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return (
            "\n".join(escape_text(cut(line)) for line in text.split("\n"))
            if record.exc_info
            else escape_text(cut(text))
        )


def cut(line: str) -> str:
    """Returns the line, shortened to MOST_OF_LINE characters with a note of the rest."""
    more = len(line) - MOST_OF_LINE
    return f"{line[:MOST_OF_LINE]} ... ({more:,} more characters)" if more > 0 else line


class LogFile(RotatingFileHandler):
    """A log file that begins anew at `most_bytes` (0: never), and keeps the one before as `.1`.

    `is_late`: the file is made by its first line. Its owner alone may read it. Raises OSError where it cannot be
    opened, unless late.
    """

    def __init__(self, path: Path, most_bytes: int = 0, *, is_late: bool = False) -> None:
        super().__init__(path, maxBytes=most_bytes, backupCount=1, encoding="utf-8", delay=is_late)
        self.setFormatter(Lines())

    def _open(self) -> Any:  # the class of text files has no public name
        return open(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=opener)

    def handleError(self, record: logging.LogRecord) -> None:
        """Does nothing: a full disk ends the crawl by itself, which is reported once."""
