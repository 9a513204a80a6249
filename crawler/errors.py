"""What can go wrong, in two families: a VisitError costs one URL, any other CrawlError ends the crawl."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .model import Reason


class CrawlError(Exception):
    """Base of all that this package raises on purpose. The message says what, where and what to do."""


class ConfigError(CrawlError, ValueError):
    """The settings cannot be used; the message names the file, the table and the key, a line for each."""

    def __init__(self, message: str, places: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.places = tuple(places)
        """The full name of what each line of the message is about; empty where it is about no setting alone."""


class UrlError(CrawlError, ValueError):
    """The text is not a URL a crawler could ever visit."""


class LongUrlError(UrlError):
    """It is a URL, but longer than any we take."""


class SchemeError(UrlError):
    """It is a URL, but neither http nor https."""


class SeedError(CrawlError):
    """The seeds cannot be read or none of them can be used."""


class FolderError(CrawlError):
    """The crawl folder is in use, not ours, or belongs to another crawl."""


class FrontierError(CrawlError):
    """The frontier's store is missing, locked, damaged or out of reach."""


class SinkError(CrawlError):
    """Outcomes could not be stored."""


class HookError(CrawlError):
    """A sink, a fetcher or a list of seeds raised what is no Exception: the run ends."""


class WorkersGone(CrawlError):
    """The workers were closed before they had answered: what shares them must be closed before they are."""

    def __init__(self) -> None:
        super().__init__("the workers were closed while a page waited for them: close the crawl before them")

    def __reduce__(self) -> tuple[object, ...]:
        return (WorkersGone, ())


class Unwritable(FrontierError, SinkError):
    """The crawl folder cannot be written any more; what was settled is safe, and the crawl can be continued."""


class StorageFull(Unwritable):
    """No space is left where the crawl writes; nothing half-written was kept, and the crawl can be continued."""


class VisitError(CrawlError):
    """One URL could not be visited; `reason` is the word recorded for it."""

    def __init__(
        self, reason: Reason, detail: str = "", *, transient: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.transient = transient
        """Whether another attempt may fare better."""
        self.retry_after_s = retry_after_s
        """How long the server asked us to stay away."""

    def __reduce__(self) -> tuple[object, ...]:
        return (_revive, (type(self), self.reason, self.detail, self.transient, self.retry_after_s))

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class FetchError(VisitError):
    """The network, the address guard or the server stood in the way."""


class OutOfFiles(FetchError):
    """This machine had no file for a connection: nothing was asked of anyone, and it is no attempt."""


class ParseError(VisitError):
    """The body is not what it claims to be."""


class OffloadError(VisitError):
    """The worker died of this page, or overran its time."""


def _revive(
    kind: type[VisitError], reason: Reason, detail: str, transient: bool, retry_after_s: float | None
) -> VisitError:
    """Pickle's way back: keyword-only arguments need a function."""
    return kind(reason, detail, transient=transient, retry_after_s=retry_after_s)


@contextmanager
def unwrapped() -> Iterator[None]:
    """Task groups wrap every error; callers get the one that matters as it was raised."""
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        ours = [error for error in leaves if isinstance(error, CrawlError)]
        if not ours and len(leaves) > 1:
            raise
        raise (ours or leaves)[0] from group


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
