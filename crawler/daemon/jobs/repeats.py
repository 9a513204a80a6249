"""Takes the seeds and settings of a job for another one like it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from ...runtime.private_files import Unsafe, check_place, opener
from ...runtime.thread_reader import read_batches
from ...settings import Config
from ...settings.catalog import fields
from ...settings.loading import amend
from ..errors import BadJob, Complaint, WrongState
from ..owners import drop_owner_settings
from . import spool
from .job import Record, Template

SCHEDULE = "schedule"
"""The label of jobs that a schedule asked for. A job that a person asks for does not have it."""


def make_template(like: Record, without: Sequence[str]) -> Template:
    """Returns the job's settings, but for some by full name, with its priority and labels. Raises BadJob."""
    if unknown := [name for name in without if name not in fields()]:
        raise BadJob([Complaint("without", f"there is no setting {unknown[0][:100]!r}")])
    chosen = drop_owner_settings(amend(Config(), like.settings))
    labels = {name: value for name, value in like.labels.items() if name != SCHEDULE}
    settings = {name: value for name, value in chosen.items() if name not in without}
    return Template(like.template or "", settings, like.priority, labels)


def inherit(draft: Record, like: Record) -> Record:
    """Returns the record of a new job with what it has of the other one beside settings."""
    inherited = tuple(name for name in draft.inherited if name in like.inherited)
    return replace(
        draft,
        name=draft.name or like.name,
        template=like.template,
        inherited=inherited,
        webhook=draft.webhook or like.webhook,
    )


def find_uploads(like: Record, folder: Path) -> Sequence[Path]:
    """Returns the files of the job's seeds. Blocks. Raises WrongState if it has none, or one is gone."""
    files = [spool.path_of(folder, number) for number in range(1, like.uploads + 1)]
    if not files:
        raise WrongState(f"the seeds of job {like.id} are not known, since its folder was made elsewhere: give them")
    try:
        is_all_there = all(check_place(file) for file in files)
    except Unsafe as error:
        raise WrongState(str(error)) from error
    if not is_all_there:
        raise WrongState(f"the seeds of job {like.id} are gone: give them")
    return files


async def read_lines(file: Path) -> AsyncGenerator[Sequence[str], None]:
    """Yields the lines of a file of seeds, in batches. Raises OSError."""
    async with aclosing(read_batches(_lines(file))) as batches:
        async for batch in batches:
            yield batch


def _lines(file: Path) -> Iterator[str]:
    with open(file, "rb", opener=opener) as opened:
        for line in opened:
            yield line.decode("utf-8", "replace").rstrip("\n")
