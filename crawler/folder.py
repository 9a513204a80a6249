"""The crawl folder: made or found again, held by one process at a time, with the settings the crawl began with."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count
from pathlib import Path

from . import seeds as _seeds
from .config import Change, amend, differences, explicit, has_secrets, load
from .durable import sync_folder
from .errors import FolderError, StorageFull
from .settings import OWN_FILES, Config
from .toml import to_toml

MAX_NAME = 60
"""Characters of a folder's name that are made from seeds: readable, and far from what file systems refuse."""
_SETTINGS, _LOCK, _NEW = "crawl.toml", "lock", "crawl.toml.new"


@dataclass(frozen=True, slots=True)
class Folder:
    """An open crawl folder. `open_folder` makes it."""

    path: Path
    config: Config
    """The settings in force: the folder's own, overlaid by what was chosen now."""
    changes: tuple[Change, ...] = ()
    """What was chosen now otherwise than the folder had it, and whether it applies."""
    is_new: bool = True

    def keep(self, config: Config) -> Folder:
        """Continue with these settings the next time. Raises FolderError, StorageFull."""
        with _told(self.path):
            _store(self.path, config)
        return replace(self, config=config)

    @property
    def frontier_path(self) -> Path:
        return self.path / "frontier.sqlite"

    @property
    def log_path(self) -> Path:
        return self.path / "crawl.log"

    @property
    def bad_seeds_path(self) -> Path:
        """The lines of the seeds that could not be used."""
        return self.path / "bad-seeds.txt"


@contextmanager
def open_folder(path: Path, config: Config, *, fresh: bool = False) -> Iterator[Folder]:
    """Make the crawl folder, or continue it with what `config` chose; held against other processes until the end.

    Fresh: a crawl folder of this name is first set aside as `NAME.old-1`, `-2`, ... Raises FolderError where the folder
    is in use, not a crawl's, damaged or cannot be written; ConfigError where its settings cannot be read; StorageFull.
    """
    with _told(path):
        if fresh and _is_ours(path):
            with held(path):
                path.rename(_free_name(path))
        _make(path)
        if not _is_ours(path) and any(path.iterdir()):
            raise FolderError(f"{path} is not empty and no crawl folder: give this crawl another one with -o")
        lock = _lock(path)
    try:
        with _told(path):
            folder = _continued(path, config) if (path / _SETTINGS).exists() else Folder(path, config)
            _store(path, folder.config)
        yield folder
    finally:
        os.close(lock)


def discard(folder: Folder) -> None:
    """Remove a crawl folder in which nothing was ever queued; it stays where it holds what is not the crawl's own."""
    database = folder.frontier_path.name
    own = {*OWN_FILES, _NEW, f"{database}-wal", f"{database}-shm", *(sink.path for sink in folder.config.sinks)}
    for name in own:
        (folder.path / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.path.rmdir()


def read_folder(path: Path, config: Config) -> Folder:
    """The crawl folder as it stands, with what `config` chose; it is not held and nothing of it written.

    Another process may crawl it meanwhile; `crawler.frontier.look` asks its frontier. Raises FolderError, ConfigError.
    """
    with _told(path):
        if not (path / _SETTINGS).is_file():
            raise FolderError(f"{path} is no crawl folder: it holds no {_SETTINGS}")
        return _merged(path, config)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The folder is ours alone, as long as this process lives and the block lasts. Raises FolderError, StorageFull."""
    with _told(path):
        lock = _lock(path)
    try:
        yield
    finally:
        os.close(lock)


def default_name(seeds: Iterable[str]) -> str:
    """The folder that belongs to these seeds: the same seeds, the same folder. `urls.txt` gives `urls.crawl`."""
    names = [_stem(seed) for seed in seeds]
    name = "+".join(dict.fromkeys(names))
    if len(name) > MAX_NAME:
        name = f"{name[:MAX_NAME]}-{blake2b(name.encode(), digest_size=3).hexdigest()}"
    return f"{name}.crawl"


def _stem(seed: str) -> str:
    match _seeds.kind(seed):
        case "stdin":
            return "stdin"
        case "url":
            rest = seed.partition("://")[2] or seed.lstrip("/")
            name = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
        case "file":
            name = Path(re.sub(r"\.(gz|bz2|xz|zst|zip)$", "", Path(seed).name)).stem
    return re.sub(r"[^\w.-]+", "-", name.lower() if "." in name else name).strip(".-_") or "seeds"


def _make(path: Path) -> None:
    """Make the folder and those above it, so that a power cut leaves their names."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for one in missing:
        with suppress(PermissionError):  # a folder may be writable and not readable
            sync_folder(one.parent)


def _is_ours(path: Path) -> bool:
    """Whether a crawl lives here, or was killed in the first instant of its life."""
    if not path.is_dir():
        return False
    names = {entry.name for entry in path.iterdir()}
    return _SETTINGS in names or (bool(names) and names <= {_LOCK, _NEW})


def _continued(path: Path, config: Config) -> Folder:
    folder = _merged(path, config)
    _refuse_to_forget(folder)
    return folder


def _merged(path: Path, config: Config) -> Folder:
    """The folder's settings overlaid by what was chosen now, as far as it may change."""
    stored = load(path / _SETTINGS)
    changes = differences(stored, config)
    refused = {change.key for change in changes if not change.applies}
    chosen = {key: value for key, value in explicit(config).items() if key not in refused}
    return Folder(path, amend(stored, chosen), tuple(changes), is_new=False)


def _refuse_to_forget(folder: Folder) -> None:
    """Pages without the frontier that knows them would be taken for torn ones, and cut off."""
    if folder.config.frontier.kind != "sqlite" or _size(folder.frontier_path):
        return
    for sink in folder.config.sinks:
        if _size(folder.path / sink.path):
            raise FolderError(
                f"{folder.frontier_path} is missing or empty, but {sink.path} holds pages:"
                " put it back from where it went, or start over with --fresh (which keeps the pages in a folder aside)"
            )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _store(path: Path, config: Config) -> None:
    text = f"# The settings this crawl was started with; all others have their defaults.\n\n{to_toml(config)}"
    if (path / _SETTINGS).exists() and (path / _SETTINGS).read_text("utf-8") == text:
        return
    with (path / _NEW).open("w", encoding="utf-8") as file:
        if has_secrets(config):
            os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    (path / _NEW).replace(path / _SETTINGS)
    sync_folder(path)


def _lock(path: Path) -> int:
    """Hold the folder: a descriptor, to be closed. The lock dies with its process, so no stale one can be left."""
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    except BlockingIOError as error:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise FolderError(
            f"{path} is in use by pid {holder}: stop that crawl, or give this one another folder"
        ) from error
    except OSError:
        os.close(lock)
        raise
    return lock


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.old-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"{path}: no space left: make room and repeat the command") from error
        raise FolderError(f"{path} cannot be a crawl folder: {error.strerror}") from error
