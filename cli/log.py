"""The log: crawl.log in a crawl's folder, the screen for those who ask, and a daemon's lines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crawler.errors import CrawlError, FolderError
from crawler.runtime.escaping import json_line
from crawler.runtime.log_format import Lines, LogFile, cut
from crawler.runtime.private_files import Unsafe

log = logging.getLogger("crawler.cli")
"""What was said on the screen, so that crawl.log tells the whole story."""


MOST_BYTES = 64 << 20
"""Of crawl.log; the one before stays beside it."""


class _Json(logging.Formatter):
    """One object a line; what came from the network is harmless in it."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"at": record.created, "level": record.levelname.lower(), "logger": record.name}
        told = {"message": cut(record.getMessage()), "job": getattr(record, "job", None)}
        trace = {"traceback": _cut_lines(self.formatException(record.exc_info))} if record.exc_info else {}
        return json_line({**said, **told, **trace}).decode().rstrip("\n")


def _cut_lines(text: str) -> str:
    return "\n".join(map(cut, text.split("\n")))


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
def logging_to(path: Path, tell: Callable[[str], None], verbose: int) -> Iterator[None]:
    """Write what the library logs to `path`; with -v tell it too; with -vv, one line for each URL."""
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
