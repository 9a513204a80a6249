"""The logs: crawl.log in the crawl folder, the screen with -v, and the log of a daemon."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crawler import CrawlError, FolderError
from crawler.runtime.escaping import json_line
from crawler.runtime.log_format import Lines, LogFile, cut
from crawler.runtime.private_files import Unsafe

log = logging.getLogger("crawler.cli")
"""Repeats the messages of the screen, so that crawl.log is complete."""
logging.getLogger("crawler.api.opening").addHandler(logging.NullHandler())
"""Python prints warnings that no handler takes, but the remarks about a folder are among the first lines already."""


MOST_BYTES = 64 << 20
"""Largest size of crawl.log; one older file is kept beside it."""


class _Json(logging.Formatter):
    """Formats each record as one line of JSON, with text from the network escaped."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"at": record.created, "level": record.levelname.lower(), "logger": record.name}
        told = {"message": cut(record.getMessage()), "job": getattr(record, "job", None)}
        trace = {"traceback": _cut_lines(self.formatException(record.exc_info))} if record.exc_info else {}
        return json_line({**said, **told, **trace}).decode().rstrip("\n")


def _cut_lines(text: str) -> str:
    return "\n".join(map(cut, text.split("\n")))


class _Teller(logging.Handler):
    """Hands each line to the view, which writes it above the panel if there is one."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != log.name:  # those are on the screen already
            self._tell(self.format(record))


@contextmanager
def log_to_stderr(level: int, *, is_json: bool) -> Iterator[None]:
    """Writes the log of a daemon to standard error, and warnings of other libraries."""
    from crawler.daemon import current_job

    def note_job(record: logging.LogRecord) -> bool:
        record.job = current_job.get()
        return True

    handler = logging.StreamHandler()
    handler.addFilter(note_job)
    handler.setFormatter(_Json() if is_json else Lines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("crawler").setLevel(level)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextmanager
def log_to_file(path: Path, tell: Callable[[str], None], verbose: int) -> Iterator[None]:
    """Writes the library's log to `path`. With -v it is shown as well; with -vv it has one line for each URL."""
    library = logging.getLogger("crawler")
    try:
        handlers: list[logging.Handler] = [LogFile(path, MOST_BYTES)]
    except Unsafe as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    if verbose:
        handlers.append(_Teller(tell))
    for handler in handlers:
        handler.setFormatter(Lines())
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
