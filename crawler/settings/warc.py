"""Declares the settings of WARC files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .table import ForJobs, Size, Table


class WarcConfig(Table):
    """WARC files, where an output has the kind `warc` (`--warc`)."""

    prefix: ForJobs[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]] = "crawl"
    """The beginning of the names of the files: `crawl-20260504030201-00000-1f2e3d4c.warc.gz`."""
    max_file_bytes: ForJobs[Annotated[Size, Field(ge=1 << 16)]] = 1 << 30
    """Size from which on a file is full and the next one is begun, such as 500M. The last answer may exceed it."""
    digest: ForJobs[Literal["sha1", "sha256"]] = "sha1"
    """The digests of records: `sha1`, which all tools compare, or `sha256`."""
    dedupe_with: tuple[str, ...] = ()
    """Earlier archives: crawl folders, folders of WARC files, indexes (CDXJ). A body that they hold is not stored
    again; the record refers to it, and can be played only together with them."""
    whole_requests: bool = False
    """Write the values of Authorization and Cookie of requests, too. Otherwise records say that they are not kept."""
    zstd: ForJobs[bool] = False
    """Offer zstd to servers while WARC files are written. Some players (pywb) cannot decode it."""
