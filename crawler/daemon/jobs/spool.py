"""Stores uploaded seeds in files of the job's folder before they are acknowledged, and reads them when it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO

from ... import seeds, urls
from ...errors import SeedError, UrlError
from ...fetch import Guard
from ...folder.folder import translate_os_errors
from ...model import Url
from ...runtime.counting import many
from ...runtime.files import sync_folder
from ...runtime.private_files import check_place, make_inner_folder, opener
from ...seeds import BadSeed
from ..errors import BadSeeds, Complaint, Full

FOLDER = "seeds"
BAD_SEEDS = "bad-seeds.txt"
CHECKED = 1000
"""Seeds of an upload whose addresses are checked at once; later ones are refused when they are visited."""


def path_of(folder: Path, number: int) -> Path:
    """Returns the path of an upload; numbers count from 1."""
    return folder / FOLDER / f"{number:04}.txt"


class Upload:
    """Writes one upload into its file. All calls block and belong in a thread."""

    def __init__(self, path: Path, guard: Guard, most: int) -> None:
        self.given: int = 0
        self.digest: blake2b = blake2b(digest_size=16)
        self.first: str = ""
        """The first seed, as it was given."""
        self._path = path
        self._guard = guard
        self._most = most
        self._refused: list[Complaint] = []
        make_inner_folder(path.parent)
        self._file: IO[bytes] = open(path, "wb", opener=opener)  # noqa: SIM115 - finish or give_up closes it

    def write(self, texts: Sequence[str]) -> None:
        """Writes some lines. Raises BadSeeds, Full."""
        data = normalise_lines(texts)
        for line in data.decode().splitlines():
            self._count(line.strip())
        self.digest.update(data)
        self._file.write(data)

    def finish(self) -> None:
        """Brings the upload to the disk and checks that it holds usable seeds. Raises BadSeeds."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sync_folder(self._path.parent)
        if self._refused:
            raise BadSeeds(self._refused)
        if not self.given:
            raise BadSeeds([Complaint("seeds", "there are none")])
        try:
            seeds.check([str(self._path)])
        except SeedError as error:
            raise BadSeeds([Complaint("seeds", _without_place(str(error), self._path))]) from error

    def give_up(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _count(self, line: str) -> None:
        if not line or line.startswith("#"):
            return
        self.given += 1
        self.first = self.first or line
        if self.given > self._most:
            raise Full(f"more than {many(self._most, 'seed')}: split them over several jobs, or raise daemon.max_seeds")
        if self.given <= CHECKED and (why := self._refuses(line)) and len(self._refused) < 10:
            self._refused.append(Complaint(f"seeds.{self.given - 1}", f"{line[:200]!r} {why}"))

    def _refuses(self, line: str) -> str | None:
        """Returns why the guard refuses the seed's address, or None. A line that is no URL is counted as bad later."""
        try:
            return find_refusal(self._guard, seeds.parse(line.partition(" #")[0].strip()))
        except UrlError:
            return None


def find_refusal(guard: Guard, url: Url) -> str | None:
    """Returns why the guard refuses a URL with a literal address; None if it does not, or the host is a name."""
    address = urls.host(url).strip("[]")
    if not urls.is_address(address) or (why := guard.refuses(address)) is None:
        return None
    return f"leads to an address that is refused ({why}): fetch.allow_networks of the daemon's own settings decides"


def normalise_lines(texts: Sequence[str]) -> bytes:
    """Returns the lines as they are stored: UTF-8, one seed a line."""
    return "".join(f"{line}\n" for text in texts for line in text.splitlines()).encode("utf-8", "replace")


class BadLines:
    """Lists unusable seeds in bad-seeds.txt of the folder, each once, also over kills."""

    def __init__(self, folder: Path, count: int, length: int) -> None:
        """Cuts the file back to `length` bytes, the part of uploads that were read whole; it has `count` seeds."""
        self.count: int = count
        self.length: int = length
        self._path = folder / BAD_SEEDS
        with translate_os_errors(folder), suppress(FileNotFoundError), open(self._path, "r+b", opener=opener) as file:
            file.truncate(min(length, file.seek(0, os.SEEK_END)))

    def __call__(self, bad: BadSeed) -> None:
        shown = bad._replace(source=f"{FOLDER}/{Path(bad.source).name}")
        with translate_os_errors(self._path.parent), open(self._path, "a", encoding="utf-8", opener=opener) as file:
            file.write(f"{shown}\n")
            self.length = file.tell()
        self.count += 1


def read(path: Path, on_bad: Callable[[BadSeed], None]) -> Iterator[Url]:
    """Yields the URLs of an upload. Raises SeedError, FolderError."""
    with translate_os_errors(path.parent):
        check_place(path)
    return seeds.read([str(path)], on_bad)


def settle(upload: Path, folder: Path, number: int) -> None:
    """Moves a finished upload to its place in a job's folder, durably."""
    place = path_of(folder, number)
    make_inner_folder(place.parent)  # a folder made by the command line may lack it
    upload.replace(place)
    sync_folder(place.parent)


def _without_place(text: str, path: Path) -> str:
    return text.removeprefix(f"{path}: ").replace(str(path), "line")
