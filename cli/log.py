"""The log: crawl.log in a crawl's folder, the screen for those who ask, and a daemon's lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crawler.errors import CrawlError, FolderError
from crawler.harmless import json_line, printable

log = logging.getLogger("crawler.cli")
"""What was said on the screen, so that crawl.log tells the whole story."""

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class _Plain(logging.Formatter):
    """One line an event, whatever the network sent; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return "\n".join(map(printable, text.split("\n"))) if record.exc_info else printable(text)


class _Json(logging.Formatter):
    """One object a line; what came from the network is harmless in it."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"at": record.created, "level": record.levelname.lower(), "logger": record.name}
        told = {"message": record.getMessage(), "job": getattr(record, "job", None)}
        trace = {"traceback": self.formatException(record.exc_info)} if record.exc_info else {}
        return json_line({**said, **told, **trace}).decode().rstrip("\n")


class _File(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: a full disk ends the crawl by itself, and says so once."""


class _Teller(logging.Handler):
    """Hands each line to the view, which knows whether a panel stands there."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != log.name:  # else it stands there already
            self._tell(self.format(record))


@contextmanager
def logging_lines(level: int, *, is_json: bool) -> Iterator[None]:
    """Write what a daemon logs to standard error; of other libraries, warnings."""
    from crawler.daemon.run import under_way

    def note_job(record: logging.LogRecord) -> bool:
        record.job = under_way.get()
        return True

    handler = logging.StreamHandler()
    handler.addFilter(note_job)
    formatter = _Json() if is_json else _Plain(_FORMAT, _TIME)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("crawler").setLevel(level)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextmanager
def logging_to(path: Path, tell: Callable[[str], None], verbose: int) -> Iterator[None]:
    """Write what the library logs to `path`; with -v tell it too; with -vv, one line for each URL."""
    library = logging.getLogger("crawler")
    try:
        handlers: list[logging.Handler] = [_File(path, encoding="utf-8")]
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    if verbose:
        handlers.append(_Teller(tell))
    formatter = _Plain(_FORMAT, _TIME)
    formatter.converter = time.gmtime
    for handler in handlers:
        handler.setFormatter(formatter)
        library.addHandler(handler)
    library.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
    try:
        yield
    except CrawlError as error:
        log.error(error)
        raise
    finally:
        for handler in handlers:
            library.removeHandler(handler)
            handler.close()
