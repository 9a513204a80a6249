"""The folders of jobs: each is made and removed whole or not at all. All calls block and belong in a thread."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from ...errors import CrawlError
from ...folder.folder import open_folder, read_folder, translate_os_errors
from ...frontier import Look, look
from ...model import Disposition
from ...runtime.files import sync_folder
from ...runtime.ownership import NOBODY, Trust
from ...runtime.private_files import close_to_others, make_inner_folder
from ...settings import Config
from ...standing import Counts
from .job import Record
from .states import State

SETTINGS = "crawl.toml"


class Folders:
    """DIR/crawls with one folder for each job; beside it, the folders of jobs being added and being removed."""

    def __init__(self, data: Path, trust: Trust = NOBODY) -> None:
        self.data = data
        self.trust = trust
        self.crawls: Path = data / "crawls"
        self._coming = data / "coming"
        """Folders of jobs that are not acknowledged yet."""
        self._going = data / "going"
        """Folders of jobs that are being removed."""
        with translate_os_errors(data):
            for folder in (self.crawls, self._coming, self._going):
                make_inner_folder(folder)
                if not trust.open:
                    close_to_others(folder)

    def path(self, record: Record) -> Path:
        return self.crawls / record.folder

    def is_there(self, record: Record) -> bool:
        return (self.path(record) / SETTINGS).is_file()

    def counts(self, record: Record) -> Counts | None:
        """Returns the counts of the job's frontier; None if it cannot be read."""
        try:
            return _counts_in(self.path(record) / "frontier.sqlite")
        except CrawlError:
            return None

    # -- coming --

    def prepared_path(self, name: str) -> Path:
        """Returns the place where a new job's folder is prepared."""
        return self._coming / name

    def prepare(self, name: str, config: Config) -> None:
        """Makes an ordinary crawl folder, not in its final place yet. Raises FolderError, StorageFull."""
        with open_folder(self.prepared_path(name), config, trust=self.trust):
            pass
        sync_folder(self.prepared_path(name))
        sync_folder(self._coming)

    def move_into_place(self, name: str) -> None:
        """Moves a prepared folder to its final place, once the job's record is written."""
        self.prepared_path(name).replace(self.crawls / name)
        sync_folder(self.crawls)

    def discard_prepared(self, name: str) -> None:
        shutil.rmtree(self.prepared_path(name), ignore_errors=True)

    # -- going --

    def set_aside(self, record: Record) -> None:
        """Marks the job as being removed, also over a kill, by moving its folder (or an empty one) aside."""
        aside = self._going / record.folder
        if self.path(record).is_dir():
            self.path(record).replace(aside)
        else:
            make_inner_folder(aside)
        sync_folder(self._going)

    def bring_back(self, record: Record) -> None:
        """Undoes `set_aside`."""
        (self._going / record.folder).replace(self.path(record))

    def forget(self, name: str) -> None:
        shutil.rmtree(self._going / name, ignore_errors=True)

    # -- after a restart --

    def tidy(self, records: Iterable[Record]) -> list[Record]:
        """Finishes or undoes what was under way when the last daemon ended. Returns the jobs that are to be removed."""
        kept = {record.folder: record for record in records}
        for path in list(self._coming.iterdir()):
            if path.name in kept and not (self.crawls / path.name).exists():
                self.move_into_place(path.name)
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        leaving = [path.name for path in self._going.iterdir()]
        for name in leaving:
            self.forget(name)
        return [kept[name] for name in leaving if name in kept]

    def find_unknown(self, records: Iterable[Record]) -> list[Path]:
        """Returns the crawl folders in DIR/crawls that belong to no job."""
        known = {record.folder for record in records}
        return [
            path
            for path in sorted(self.crawls.iterdir())
            if path.name not in known and not path.name.startswith(".") and (path / SETTINGS).is_file()
        ]


def adopt_folder(path: Path, job: str, trust: Trust = NOBODY) -> Record:
    """Returns a job for a crawl folder that was made elsewhere: paused, or completed if nothing is queued.

    Raises CrawlError if the folder cannot be continued.
    """
    config = read_folder(path, Config(), trust=trust).config
    counts = _counts_in(path / "frontier.sqlite")
    is_over = bool(counts.settled) and not counts.queued
    made = (path / SETTINGS).stat().st_mtime
    return Record(
        id=job,
        folder=path.name,
        name=path.name,
        state=State.COMPLETED if is_over else State.PAUSED,
        created_at=made,
        ended_at=made if is_over else None,
        settings=config.model_dump(mode="json", exclude_unset=True),
        counts=counts,
    )


def _counts_in(frontier: Path) -> Counts:
    """Returns the counts of a frontier file. Raises FrontierError."""
    if not frontier.exists():
        return Counts()
    return look(frontier, _counts)


def _counts(opened: Look) -> Counts:
    settled = {Disposition(name): n for name, n in opened.settled().items()}
    return Counts(queued=opened.queued(), settled=settled, parked=opened.parked(), requisites=opened.requisites())
