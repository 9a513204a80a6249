"""What can go wrong with a job, as whoever asked for it needs to hear it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import CrawlError


class Complaint(NamedTuple):
    """One thing that cannot be used."""

    field: str
    """The full name of the setting, `politeness.delay_s`, or the part of the job."""
    text: str


class JobError(CrawlError):
    """Base of what the daemon refuses or cannot do; nothing was changed."""


class NoSuchJob(JobError):
    """There is no job, or no template, of this name."""


class WrongState(JobError):
    """The job's state does not allow it."""


class KeyReused(JobError):
    """The idempotency key belongs to a job that was asked for otherwise."""


class Full(JobError):
    """There are as many jobs, or seeds, as the daemon's settings allow."""


class BadJob(JobError):
    """What was asked for cannot be used; `complaints` name each field."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("\n".join(f"{field}: {text}" for field, text in complaints))
        self.complaints = tuple(complaints)


class BadSettings(BadJob):
    """Settings that are unknown, mistyped, out of bounds, or not for the API to choose."""


class BadSeeds(BadJob):
    """Seeds that nobody may or can visit."""


class StoreError(JobError):
    """The daemon's own database cannot be read or written."""
