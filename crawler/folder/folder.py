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

from .. import seeds as _seeds
from ..errors import ConfigError, FolderError, StorageFull
from ..policy.scope import Scope
from ..runtime.files import sync_folder
from ..runtime.ownership import NOBODY, Trust, check_contents, check_names, check_writers
from ..runtime.private_files import DRAFT, Unsafe, check_place, close_to_others, make_folder, opener, replaced
from ..settings import OWN_FILES, Config
from ..settings.loading import Change, amend, differences, explicit, has_secrets, load
from ..settings.toml import to_toml

MAX_NAME = 60
"""Characters of a folder's name that are made from seeds: readable, and far from what file systems refuse."""
_SETTINGS, _LOCK, _NEW, _SEEDS = "crawl.toml", "lock", f"crawl.toml{DRAFT}", "seeds"


@dataclass(frozen=True, slots=True)
class Folder:
    """An open crawl folder. `open_folder` makes it."""

    path: Path
    config: Config
    """The settings in force: the folder's own, overlaid by what was chosen now."""
    changes: tuple[Change, ...] = ()
    """What was chosen now otherwise than the folder had it, and whether it applies."""
    is_new: bool = True
    remarks: tuple[str, ...] = ()
    """What its owner should know of who else may read or write there."""

    def keep(self, config: Config) -> Folder:
        """Continue with these settings the next time. Raises FolderError, StorageFull."""
        with told(self.path):
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
def open_folder(path: Path, config: Config, *, fresh: bool = False, trust: Trust = NOBODY) -> Iterator[Folder]:
    """Make the crawl folder, or continue it with what `config` chose; held against other processes until the end.

    Fresh: a crawl folder of this name is first set aside as `NAME.old-1`, `-2`, ... Its files can be read by their
    owner alone; those that others could read are closed to them, unless `trust` says that the folder is open. Raises
    FolderError where the folder is in use, not a crawl's, damaged, cannot be written, or is not safe and not trusted;
    ConfigError where its settings cannot be read; StorageFull.
    """
    with told(path):
        _check(path, trust)
        if fresh and _is_ours(path):
            with held(path):
                path.rename(_free_name(path))
        _make(path)
        if not _is_ours(path) and any(path.iterdir()):
            raise FolderError(f"{path} is not empty and no crawl folder: give this crawl another one with -o")
        lock = _lock(path)
    try:
        with told(path):
            folder = _continued(path, config, trust) if (path / _SETTINGS).exists() else Folder(path, config)
            remarks = _close(folder, trust)
            _store(path, folder.config)
        yield replace(folder, remarks=remarks)
    finally:
        os.close(lock)


def discard(folder: Folder) -> None:
    """Remove a crawl folder in which nothing was ever queued; it stays where it holds what is not the crawl's own."""
    database = folder.frontier_path.name
    own = {*OWN_FILES, _NEW, f"{database}-wal", f"{database}-shm", *(sink.path for sink in folder.config.sinks)}
    for name in own - {_SEEDS}:
        (folder.path / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.path.rmdir()


def read_folder(path: Path, config: Config, *, trust: Trust = NOBODY) -> Folder:
    """The crawl folder as it stands, with what `config` chose; it is not held and nothing of it written.

    Another process may crawl it meanwhile; `crawler.frontier.look` asks its frontier. Raises FolderError, ConfigError.
    """
    with told(path):
        _check(path, trust)
        if not (path / _SETTINGS).is_file():
            raise FolderError(f"{path} is no crawl folder: it holds no {_SETTINGS}")
        return _merged(path, config, trust)


def check_patterns(folder: Folder, chosen: Config) -> None:
    """Raises ConfigError for a pattern of the folder's own that cannot be used, and says how to replace it."""
    scope = folder.config.scope
    for name in ("include", "exclude"):
        try:
            Scope(**{name: getattr(scope, name)})
        except ConfigError as error:
            if f"scope.{name}" in explicit(chosen):
                raise
            replaced = f"--set '{name}=[\"PATTERN\"]' replaces the folder's, --set {name}=[] drops them"
            raise ConfigError(f"{folder.path / _SETTINGS}: {error}; {replaced}") from error


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The folder is ours alone, as long as this process lives and the block lasts. Raises FolderError, StorageFull."""
    with told(path):
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
    make_folder(path)
    for one in missing:
        with suppress(PermissionError):  # a folder may be writable and not readable
            sync_folder(one.parent)


def _is_ours(path: Path) -> bool:
    """Whether a crawl lives here, or was killed in the first instant of its life."""
    if not path.is_dir():
        return False
    names = {entry.name for entry in path.iterdir()}
    return _SETTINGS in names or (bool(names) and names <= {_LOCK, _NEW})


def _check(path: Path, trust: Trust) -> None:
    """Raises Unsafe where the folder or something in it is another account's, or a link stands for a file of it."""
    if not path.is_dir():
        return
    check_contents(path, trust)
    for entry in path.iterdir():
        if _is_own_name(entry.name) and (entry.is_symlink() or not entry.is_dir()) and (status := check_place(entry)):
            check_names(path, status, entry)


def _is_own_name(name: str, sinks: Iterable[str] = ()) -> bool:
    """Whether a crawl gives this name to a file: `frontier.sqlite-wal` and `crawl.log.1` as well."""
    own = {*OWN_FILES, *sinks}
    return name in own or any(name.startswith((f"{one}-", f"{one}.")) for one in own - {_SEEDS})


def _close(folder: Folder, trust: Trust) -> tuple[str, ...]:
    """Close the crawl's own files to others; what there is to say. Raises Unsafe where it may hold no secrets."""
    remark = check_writers(folder.path, trust, holds_secrets=has_secrets(folder.config))
    remarks = [remark] if remark else []
    sinks = [sink.path for sink in folder.config.sinks]
    own = [] if trust.open else [one for one in folder.path.iterdir() if _is_own_name(one.name, sinks)]
    if closed := sum(map(close_to_others, own)):
        what = "file could be read by others and is" if closed == 1 else "files could be read by others and are"
        remarks.append(f"{closed} {what} closed to them now (--open-folder leaves them as they are)")
    return tuple(remarks)


def _continued(path: Path, config: Config, trust: Trust) -> Folder:
    folder = _merged(path, config, trust)
    check_patterns(folder, config)
    _refuse_to_forget(folder)
    return folder


def _merged(path: Path, config: Config, trust: Trust) -> Folder:
    """The folder's settings overlaid by what was chosen now, as far as it may change."""
    stored = load(path / _SETTINGS, trust=trust)
    changes = differences(stored, config)
    refused = {change.key for change in changes if not change.applies}
    chosen = {key: value for key, value in explicit(config).items() if key not in refused}
    folder = Folder(path, amend(stored, chosen), tuple(changes), is_new=False)
    for sink in folder.config.sinks:
        check_place(path / sink.path)
    return folder


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
    with replaced(path / _SETTINGS) as file:
        file.write(text.encode())


def _lock(path: Path) -> int:
    """Hold the folder: a descriptor, to be closed. The lock dies with its process, so no stale one can be left."""
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
def told(path: Path) -> Iterator[None]:
    """Translates what the system says of a folder: raises FolderError, StorageFull."""
    try:
        yield
    except Unsafe as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"{path}: no space left: make room and repeat the command") from error
        raise FolderError(f"{path} cannot be a crawl folder: {error.strerror}") from error
