"""The errors that crawld raises: a VisitError costs one URL, any other CrawlError ends the crawl."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .model import Reason, Response


class CrawlError(Exception):
    """Base of all errors that this package raises on purpose. The message says what happened, where, and what to do."""


class ClosedError(CrawlError):
    """The crawl, the jobs or the shared parts are closed."""

    def __init__(self, what: str, opener: str) -> None:
        super().__init__(f"{what} closed: the block of {opener}(...) has ended. Open it again")


class ConfigError(CrawlError, ValueError):
    """The settings cannot be used. The message has a line for each problem, with file, table and key."""

    def __init__(self, message: str, places: Sequence[str] = (), words: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.places: tuple[str, ...] = tuple(places)
        """For each line of the message the full name of the setting. Empty: the line is about more than one setting."""
        self.words: tuple[str, ...] = tuple(words) or tuple(message.splitlines())
        """The lines without the names of the settings, for those who say these themselves."""


class UrlError(CrawlError, ValueError):
    """The text is not a URL that a crawler can visit."""


class LongUrlError(UrlError):
    """The text is a URL, but longer than the limit."""


class SchemeError(UrlError):
    """The text is a URL, but neither http nor https."""


class RequestError(UrlError):
    """The request of a program cannot be sent or kept: its method, headers, body, label or data are to blame."""


class SeedError(CrawlError):
    """The seeds cannot be read, or none of them can be used."""


class ArchiveError(CrawlError):
    """An archive (WARC, WACZ) cannot be read from one place on. All that stands before it can."""

    def __init__(self, name: str, why: str, offset: int | None = None) -> None:
        super().__init__(f"{name}: {why}" if offset is None else f"{name} at byte {offset:,}: {why}")
        self.name = name
        """The file."""
        self.why = why
        """The fault, in a few words."""
        self.offset = offset
        """The byte of the file from which on it cannot be read; None: no place in it is to blame."""

    def __reduce__(self) -> tuple[object, ...]:
        return (ArchiveError, (self.name, self.why, self.offset))


class FolderError(CrawlError):
    """The crawl folder is in use, is not a crawl folder, is not safe to use, or cannot be written."""


class FrontierError(CrawlError):
    """The frontier's store is missing, locked, damaged or out of reach."""


class SinkError(CrawlError):
    """Outcomes could not be stored."""


class HookError(CrawlError):
    """Code of yours that runs on the event loop failed in a way that ends the run.

    A hook raised an error or returned something else than it should; or a sink, a fetcher or a list of seeds raised a
    BaseException that is no Exception.
    """


class WorkersGone(CrawlError):
    """The workers were closed before they had answered. Close every crawl that shares them first."""

    def __init__(self) -> None:
        super().__init__("the workers were closed while a page waited for them: close the crawl before them")

    def __reduce__(self) -> tuple[object, ...]:
        return (WorkersGone, ())


class Unwritable(FrontierError, SinkError):
    """The crawl folder cannot be written any more. Settled visits are safe, and the crawl can be continued."""


class StorageFull(Unwritable):
    """No disk space is left for the crawl. Nothing half-written was kept, and the crawl can be continued."""


class VisitError(CrawlError):
    """One URL could not be visited. `reason` is the word that its record gets."""

    def __init__(
        self, reason: Reason, detail: str = "", *, transient: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        """The word that the record gets."""
        self.detail = detail
        """A few words for a person."""
        self.transient = transient
        """Whether another attempt may succeed."""
        self.retry_after_s = retry_after_s
        """Seconds that the server asked us to stay away."""
        self.response: Response | None = None
        """The answer, where it is known and a hook rejects it."""
        self.after_s: float | None = None
        """Seconds until the next attempt, where a hook says so."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_revive, (type(self), self.reason, self.detail, self.transient, self.retry_after_s))

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class FetchError(VisitError):
    """The network, the address guard or the server prevented the exchange."""

    def copy(self) -> FetchError:
        """Copies the error without its traceback, for those who keep it for long and raise it many times."""
        return FetchError(self.reason, self.detail, transient=self.transient, retry_after_s=self.retry_after_s)


class Excluded(VisitError):
    """No request is sent for this URL, because a hook skips it: the visit ends as excluded."""


class Rejected(FetchError):
    """A hook rejects the answer and asks for another attempt."""

    def __init__(self, detail: str, response: Response, after_s: float | None) -> None:
        super().__init__(Reason.REJECTED, detail, transient=True)
        self.response = response
        self.after_s = after_s


class OutOfFiles(FetchError):
    """This machine had no free file descriptor for a connection. No request was sent, so this is not an attempt."""


class ParseError(VisitError):
    """The body is not in the format that it claims to be in."""


class OffloadError(VisitError):
    """The worker died of this page, or exceeded its time."""


def _revive(
    kind: type[VisitError], reason: Reason, detail: str, transient: bool, retry_after_s: float | None
) -> VisitError:
    """Rebuilds a VisitError for pickle, which cannot pass keyword-only arguments itself."""
    return kind(reason, detail, transient=transient, retry_after_s=retry_after_s)


@contextmanager
def unwrap_group() -> Iterator[None]:
    """Raises the error that matters of a task group's ExceptionGroup: the first CrawlError, else the only error."""
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        ours = [error for error in leaves if isinstance(error, CrawlError)]
        if not ours and len(leaves) > 1:
            raise
        chosen = (ours or leaves)[0]
        if isinstance(chosen, ConfigError):
            chosen.with_traceback(None)  # its place is the call that was given the settings
        raise chosen from (group if len(leaves) > 1 else chosen.__cause__)  # a group of one would only say it twice


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
