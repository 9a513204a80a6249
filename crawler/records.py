"""Describes records that are read back from an output: which ones are wanted, and the parts in which they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .dataclass import dataclass
from .model import Url

if TYPE_CHECKING:  # few who read records look for survivors
    import numpy as np
    from numpy.typing import NDArray

_UNREAD = 304
"""The status of a page that did not change."""
Record = Mapping[str, Any]
"""One record as JSON has it; docs/records.md explains its fields."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects records. Empty fields match everything."""

    status: str = ""
    """`404`, or `4xx`."""
    site: str = ""
    """Scheme, host and port, or a host alone."""
    disposition: str = ""
    reason: str = ""
    type: str = ""
    """A media type without parameters, in small letters: `text/html`, or `image/*`."""

    def wants(self, record: Record) -> bool:
        return (
            (not self.status or _is_status(record.get("status"), self.status))
            and (not self.site or _is_of(str(record.get("url")), self.site))
            and (not self.disposition or record.get("disposition") == self.disposition)
            and (not self.reason or record.get("reason") == self.reason)
            and (not self.type or _is_of_type(media_type(record.get("content_type") or ""), self.type))
        )


ALL = Filter()


def tells_content(record: Record) -> bool:
    """Returns whether a record says which content its URL has now: some, none, or that of another URL.

    An outage, a block, and a page that was not read because it had not changed (304) say nothing.
    """
    disposition, status = record.get("disposition"), record.get("status")
    if disposition in ("fetched", "unchanged"):
        return bool(status != _UNREAD)
    return disposition in ("redirected", "duplicate") or record.get("reason") == "status-4xx"


class Stretch(NamedTuple):
    """A part of an output: its matching records, and where the next part begins."""

    lines: list[bytes]
    """The matching records, each as one line of JSON with its line end."""
    end: int
    """The place after the last record that was read."""
    is_last: bool
    """Whether the output ends there."""


class Survivors(NamedTuple):
    """The whole records of a damaged output, in columns. The numbers of places are the format's own, such as bytes."""

    fingerprints: NDArray[np.uint64]
    """Of the records' URLs; where a record has a `request_id`, this is the fingerprint, in hexadecimal digits."""
    visits: NDArray[np.int64]
    """The numbers of the visits."""
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    """Where each record begins and ends."""
    total: int
    """Sum of the lengths of all records (end - start), if none were missing."""


def _is_status(status: object, wanted: str) -> bool:
    text = str(status)
    return text[:1] == wanted[:1] if wanted.endswith("xx") else text == wanted


def media_type(header: str) -> str:
    """Returns the media type that a Content-Type header names, in small letters; empty: none."""
    return header.partition(";")[0].strip().lower()[:100]


def _is_of_type(found: str, wanted: str) -> bool:
    return found.startswith(wanted[:-1]) if wanted.endswith("/*") else found == wanted


def _is_of(url: str, site: str) -> bool:
    origin = Url(url).site
    return site in (origin, origin.partition("://")[2])
