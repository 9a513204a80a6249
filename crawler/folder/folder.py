"""Makes or continues a crawl folder, locks it for one process at a time, and keeps the crawl's settings in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from ..dataclass import dataclass
from ..errors import ConfigError, FolderError, StorageFull
from ..frontier import foretell_upgrade
from ..policy.scope import check_patterns as check_readable
from ..protocols import Output
from ..runtime.counting import many
from ..runtime.files import is_full, sync_folder
from ..runtime.ownership import NOBODY, Trust, check_contents, check_names, check_writers
from ..runtime.private_files import (
    DRAFT,
    Unsafe,
    check_place,
    close_to_others,
    make_folder,
    opener,
)
from ..settings import OWN_FILES, Config
from ..settings.loading import Change, amend, chosen_settings, differences, has_secrets
from ..sinks import make_outputs
from . import settings_file
from .settings_file import Newer

_SETTINGS, _LOCK, _NEW, _SEEDS = settings_file.NAME, "lock", f"{settings_file.NAME}{DRAFT}", "seeds"


@dataclass(frozen=True, slots=True)
class Folder:
    """An open crawl folder. `open_folder` makes it."""

    path: Path
    """Its path."""
    config: Config
    """The settings in force: those of the folder, overridden by those chosen now."""
    changes: tuple[Change, ...] = ()
    """Settings chosen now that differ from the folder's, and whether each applies."""
    is_new: bool = True
    """Whether this run made it."""
    remarks: tuple[str, ...] = ()
    """Messages to the owner: who else can read or write in the folder, and which of its settings are unknown here."""
    newer: Newer | None = None
    """Settings that only a newer version knows. They stay in the file."""

    def keep(self, config: Config) -> Folder:
        """Stores the settings that the crawl will continue with next time. Raises FolderError, StorageFull."""
        with translate_os_errors(self.path):
            settings_file.write_settings(self.path, config, self.newer)
        return replace(self, config=config)

    def check_patterns(self, chosen: Config) -> None:
        """Raises ConfigError if a pattern of the folder cannot be used; the message says how to replace it."""
        for name in ("include", "exclude"):
            try:
                check_readable(name, getattr(self.config.scope, name))
            except ConfigError as error:
                if f"scope.{name}" in chosen_settings(chosen):
                    raise
                replaced = f"--set '{name}=[\"PATTERN\"]' replaces the folder's, --set {name}=[] drops them"
                raise ConfigError(f"{self.path / _SETTINGS}: {error}; {replaced}") from error

    def discard(self) -> None:
        """Removes a folder in which nothing was ever queued. It stays if it holds files that are not the crawl's."""
        database = self.frontier_path.name
        own = {
            *OWN_FILES,
            _NEW,
            f"{database}-wal",
            f"{database}-shm",
            f"{database}.turn",
            f"{database}.loops",
            *_files_of(self.outputs),
        }
        for name in own - {_SEEDS}:
            (self.path / name).unlink(missing_ok=True)
        for inner in {(self.path / name).parent for name in own} - {self.path}:
            with suppress(OSError):
                inner.rmdir()
        with suppress(OSError):
            self.path.rmdir()

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The outputs that the settings name. Raises ConfigError."""
        return make_outputs(self.path, self.config)

    @property
    def holder(self) -> int | None:
        """The id of the process that crawls into it now; None: none does. Raises FolderError."""
        return find_holder(self.path)

    @property
    def frontier_path(self) -> Path:
        """The path of its frontier."""
        return self.path / "frontier.sqlite"

    @property
    def log_path(self) -> Path:
        """The path of its log."""
        return self.path / "crawl.log"

    @property
    def bad_seeds_path(self) -> Path:
        """The file with lines of the seeds that could not be used."""
        return self.path / "bad-seeds.txt"


@contextmanager
def open_folder(path: Path, config: Config, *, fresh: bool = False, trust: Trust = NOBODY) -> Iterator[Folder]:
    """Makes the crawl folder, or continues it with the settings chosen in `config`. Locks it until the block ends.

    With `fresh` an existing crawl folder is first renamed to `NAME.old-1`, `-2`, ... Only the owner can read its files;
    files that others could read are closed to them, unless `trust` says that the folder is open. Raises FolderError if
    the folder is in use, not a crawl's, damaged, cannot be written, or is neither safe nor trusted; ConfigError if its
    settings cannot be read; StorageFull.
    """
    make_outputs(path, config)  # before there is a folder
    with translate_os_errors(path):
        _check(path, trust)
        if fresh and _is_ours(path):
            with lock_folder(path):
                path.rename(_free_name(path))
        _make(path)
        if not _is_ours(path) and any(path.iterdir()):
            raise FolderError(f"{path} is not empty and no crawl folder: give this crawl another one with -o")
        lock = _lock(path)
    try:
        with translate_os_errors(path):
            folder = _continue(path, config, trust) if (path / _SETTINGS).exists() else Folder(path, config)
            remarks = folder.remarks + _close(folder, trust)
            newer = settings_file.write_settings(path, folder.config, folder.newer)
        yield replace(folder, remarks=remarks, newer=newer)
    finally:
        os.close(lock)


def read_folder(path: Path, config: Config, *, trust: Trust = NOBODY) -> Folder:
    """Returns the crawl folder with the settings chosen in `config`. It locks nothing and writes nothing.

    Another process may use the folder meanwhile; `crawler.frontier.look` reads its frontier. Raises FolderError,
    ConfigError.
    """
    with translate_os_errors(path):
        _check(path, trust)
        if not (path / _SETTINGS).is_file():
            raise FolderError(f"{path} is no crawl folder: it holds no {_SETTINGS}")
        return _merge(path, config, trust)


def find_holder(path: Path) -> int | None:
    """Returns the id of the process that uses the folder; None: none does. Changes nothing. Raises FolderError."""
    with translate_os_errors(path), suppress(FileNotFoundError):
        lock = opener(path / _LOCK, os.O_RDONLY)
        try:
            holder = int(os.pread(lock, 20, 0))
            os.kill(holder, 0)  # first: an attempt to lock could get in the way of a crawl that begins
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return holder
        except (ProcessLookupError, ValueError):
            return None
        finally:
            os.close(lock)
    return None


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Locks the folder until the block or this process ends. Raises FolderError, StorageFull."""
    with translate_os_errors(path):
        lock = _lock(path)
    try:
        yield
    finally:
        os.close(lock)


def _make(path: Path) -> None:
    """Makes the folder and its parents, and syncs their names to the disk, so that they survive a power cut."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    make_folder(path)
    for one in missing:
        with suppress(PermissionError):  # a folder may be writable and not readable
            sync_folder(one.parent)


def _is_ours(path: Path) -> bool:
    """Whether this is a crawl folder, or the remains of a crawl that was killed just after its start."""
    if not path.is_dir():
        return False
    names = {entry.name for entry in path.iterdir()}
    return _SETTINGS in names or (bool(names) and names <= {_LOCK, _NEW})


def _check(path: Path, trust: Trust) -> None:
    """Raises Unsafe if the folder or something in it belongs to another account, or a file in it is a link."""
    if not path.is_dir():
        return
    check_contents(path, trust)
    for entry in path.iterdir():
        if _is_own_name(entry.name) and (entry.is_symlink() or not entry.is_dir()) and (status := check_place(entry)):
            check_names(path, status, entry)


def _is_own_name(name: str, sinks: Iterable[str] = ()) -> bool:
    """Whether a crawl gives this name to a file; so are `frontier.sqlite-wal` and `crawl.log.1`."""
    own = {*OWN_FILES, *sinks}
    return name in own or any(name.startswith((f"{one}-", f"{one}.")) for one in own - {_SEEDS})


def _close(folder: Folder, trust: Trust) -> tuple[str, ...]:
    """Closes the crawl's own files to other accounts; returns messages. Raises Unsafe if secrets are not safe there."""
    remark = check_writers(folder.path, trust, holds_secrets=has_secrets(folder.config))
    remarks = [remark] if remark else []
    sinks = [*_files_of(folder.outputs)]
    own = [] if trust.open else [one for one in folder.path.iterdir() if _is_own_name(one.name, sinks)]
    if closed := sum(map(close_to_others, own)):
        what = many(closed, "file could be read by others and is", "files could be read by others and are")
        remarks.append(f"{what} closed to them now (--open-folder leaves them as they are)")
    return tuple(remarks)


def _continue(path: Path, config: Config, trust: Trust) -> Folder:
    folder = _merge(path, config, trust)
    if folder.config.frontier.kind == "sqlite" and (remark := foretell_upgrade(folder.frontier_path)):
        folder = replace(folder, remarks=(*folder.remarks, remark))
    folder.check_patterns(config)
    for name in _files_of(folder.outputs):
        check_place(path / name)
    _refuse_to_forget(folder)
    return folder


def _merge(path: Path, config: Config, trust: Trust) -> Folder:
    """Returns the folder with its settings overridden by those chosen now, as far as they may change."""
    stored, newer, remarks = settings_file.read_settings(path, trust)
    changes = differences(stored, config)
    refused = {change.key for change in changes if not change.applies}
    chosen = {key: value for key, value in chosen_settings(config).items() if key not in refused}
    merged = amend(stored, chosen)
    return Folder(path, merged, tuple(changes), is_new=False, remarks=remarks, newer=newer)


def _refuse_to_forget(folder: Folder) -> None:
    """Raises FolderError if there are pages but no frontier: opening would take them for torn and cut them off."""
    if folder.config.frontier.kind != "sqlite" or _size(folder.frontier_path):
        return
    for name in _files_of(folder.outputs):
        if _size(folder.path / name):
            raise FolderError(
                f"{folder.frontier_path} is missing or empty, but {name} holds pages:"
                " put it back, or start over with --fresh (which first renames this folder, with its pages)"
            )


def _files_of(outputs: Iterable[Output]) -> Iterator[str]:
    for output in outputs:
        yield from (*output.files, *output.drafts)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _lock(path: Path) -> int:
    """Locks the folder; returns a descriptor to close. The lock ends with the process, so it can never be stale."""
    lock = opener(path / _LOCK, os.O_RDWR | os.O_CREAT)
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
def translate_os_errors(path: Path) -> Iterator[None]:
    """Translates OS errors about a folder into FolderError and StorageFull."""
    try:
        yield
    except Unsafe as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"{path}: no space left: make room and repeat the command") from error
        raise FolderError(f"{path} cannot be a crawl folder: {error.strerror}") from error
