"""The errors of jobs, with messages for the person who asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import CrawlError


class Complaint(NamedTuple):
    """One field that cannot be used."""

    field: str
    """The full name of the setting, such as `politeness.delay_s`, or the field of the job."""
    text: str
    """The fault, in a sentence."""


class JobError(CrawlError):
    """Base class: the daemon refused the request or could not carry it out. Nothing was changed."""


class NoSuchJob(JobError):
    """There is no job, template or schedule of this name."""


class WrongState(JobError):
    """The job's state does not allow it."""


class Outdated(JobError):
    """The job, schedule or template was changed since the caller has read it."""


class NoRecords(JobError):
    """The job has no output whose format can be read back."""


class KeyReused(JobError):
    """The idempotency key belongs to a job with a different request."""


class Full(JobError):
    """There are as many jobs, or seeds, as the daemon's settings allow."""


class Busy(JobError):
    """As many clients wait for pages as the daemon serves at a time."""


class BadJob(JobError):
    """The request cannot be used; `complaints` name each field."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("\n".join(f"{field}: {text}" for field, text in complaints))
        self.complaints: tuple[Complaint, ...] = tuple(complaints)
        """The fields that cannot be used."""


class BadSettings(BadJob):
    """Settings are unknown, of the wrong type, out of bounds, or reserved for the daemon's owner."""


class BadSeeds(BadJob):
    """Seeds are missing, unusable, or lead to refused addresses."""


class StoreError(JobError):
    """The daemon's own database cannot be read or written."""
