"""Opens files that only their owner may read, and follows no link, pipe or device planted in their place."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .escaping import escape_text
from .files import replace_file, sync_file

FILE_MODE = 0o600
FOLDER_MODE = 0o700
DRAFT = ".new"
"""The ending of a draft, a file that will replace another one."""
BESIDE = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite keeps beside its own."""
_OTHERS = 0o077
_FICLONE = 0x40049409
"""The request of ioctl_ficlone(2)."""
_AT_ONCE = 1 << 30
_CAREFUL = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # a pipe without a reader must not stop us
_LINK = frozenset({errno.ELOOP, errno.EMLINK, errno.EFTYPE} if hasattr(errno, "EFTYPE") else {errno.ELOOP})
"""Errors of systems where O_NOFOLLOW meets a link."""


class Unsafe(OSError):
    """Raised where a file would not be ours alone; nothing was read or written.

    The message names the path and what to do.
    """

    def __init__(self, path: str | os.PathLike[str], words: str) -> None:
        place = os.fspath(path)
        super().__init__(errno.EPERM, f"{escape_text(place)} {words}", place)  # others may have named it

    def __str__(self) -> str:
        return str(self.strerror)


class NotARegularFile(Unsafe):
    """Raised where something else stands in the place of our file."""

    def __init__(self, path: str | os.PathLike[str], what: str) -> None:
        super().__init__(path, f"is {what}, and nothing is read or written there: remove it")


def opener(path: str | os.PathLike[str], flags: int) -> int:
    """Opens a regular file for `open(..., opener=opener)`; only its owner can read a new one, from the start.

    Raises Planted where a link, a folder, a pipe or a device stands there, or another name of somebody else's file;
    then nothing was changed. Raises OSError.
    """
    check_place(path)  # a device may act when it is opened
    try:
        file = os.open(path, flags & ~os.O_TRUNC | _CAREFUL, FILE_MODE)
    except OSError as error:
        if error.errno in _LINK:
            raise NotARegularFile(path, "a symbolic link") from error
        raise
    try:
        _check(path, os.fstat(file))
        os.set_blocking(file, True)
        if flags & os.O_TRUNC:
            os.ftruncate(file, 0)
    except BaseException:
        os.close(file)
        raise
    return file


def check_place(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Returns the status of a file that `opener` would open; None: no file. Raises Planted, OSError."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    _check(path, status)
    return status


def check_database(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Checks a file of SQLite and those beside it as `check_place` does: SQLite itself would follow links."""
    for end in BESIDE:
        check_place(f"{os.fspath(path)}{end}")
    return check_place(path)


def close_to_others(path: str | os.PathLike[str]) -> bool:
    """Takes the rights of others from our file or folder; returns whether they had some and have none now.

    Links stay as they are. Raises OSError.
    """
    try:
        if not _is_ours_and_open(os.lstat(path)):
            return False
        file = os.open(path, os.O_RDONLY | _CAREFUL)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        status = os.fstat(file)
        if not _is_ours_and_open(status):
            return False
        with suppress(PermissionError):  # a file system that knows no modes
            os.fchmod(file, stat.S_IMODE(status.st_mode) & ~_OTHERS)
        return not _is_ours_and_open(os.fstat(file))
    finally:
        os.close(file)


def touch(path: str | os.PathLike[str]) -> None:
    """Makes an empty file, if there is none, for programs that open it by its name (SQLite).

    Raises Planted, OSError.
    """
    os.close(opener(path, os.O_WRONLY | os.O_CREAT))


@contextmanager
def replace_private_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Yields a new file that replaces the one at `path` when the block ends without an error.

    It is written beside that file, as `NAME.new`, which is its `name`. Links at either name are neither followed nor
    replaced. Raises Planted, OSError.
    """
    place = Path(path)
    draft = place.with_name(f"{place.name}{DRAFT}")
    check_place(place)
    if check_place(draft) is not None:
        os.unlink(draft)  # left by a process that was killed
    file = open(draft, "xb", opener=opener)  # noqa: SIM115  what could not be made is not removed
    try:
        with file:
            yield file
            file.flush()
            sync_file(file.fileno())
        replace_file(draft, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def clone_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> bool:
    """Makes a new file that shares the bytes of another one, until one of them changes; returns False if none was made.

    Few file systems can (btrfs, XFS, bcachefs). Raises Planted, FileExistsError, OSError.
    """
    if sys.platform != "linux":
        return False
    with open(source, "rb", buffering=0, opener=opener) as read, open(target, "xb", buffering=0, opener=opener) as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, read.fileno())
        except OSError:
            os.unlink(target)
            return False
    return True


def copy_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Copies a file into a new one that only its owner may read. Raises Planted, FileExistsError, OSError."""
    with open(source, "rb", buffering=0, opener=opener) as read, open(target, "xb", buffering=0, opener=opener) as new:
        _copy_in_kernel(read.fileno(), new.fileno())
        while block := read.read(1 << 20):
            view = memoryview(block)
            while view:
                view = view[new.write(view) :]


def _copy_in_kernel(source: int, target: int) -> None:
    """Copies all bytes that the system can copy by itself, which is faster; the caller copies those that are left."""
    with suppress(AttributeError, OSError):  # not on this system, or not between these files
        while os.copy_file_range(source, target, _AT_ONCE):
            pass


def make_folder(path: str | os.PathLike[str]) -> bool:
    """Makes a folder, and missing ones above it, that only the owner may enter; returns whether it was missing.

    Raises OSError.
    """
    place = Path(path)
    if place.is_dir():
        return False
    if place.parent != place:
        make_folder(place.parent)
    try:
        place.mkdir(FOLDER_MODE)
    except FileExistsError:
        if not place.is_dir():
            raise
        return False
    return True


def make_inner_folder(path: str | os.PathLike[str]) -> None:
    """Makes a folder inside one of ours, if none is there. Raises Planted where something else stands, OSError."""
    with suppress(FileNotFoundError):
        kind = stat.S_IFMT(os.lstat(path).st_mode)
        if kind != stat.S_IFDIR:
            raise NotARegularFile(path, _KINDS.get(kind, "a file"))
    make_folder(path)


def _is_ours_and_open(status: os.stat_result) -> bool:
    is_kept = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    return is_kept and status.st_uid == os.geteuid() and bool(status.st_mode & _OTHERS)


def _check(path: str | os.PathLike[str], status: os.stat_result) -> None:
    if (what := describe_obstacle(status, os.geteuid())) is not None:
        raise NotARegularFile(path, what)


def describe_obstacle(status: os.stat_result, me: int) -> str | None:
    """Returns the thing that stands there instead of our file, in words; None: a regular file."""
    if not stat.S_ISREG(status.st_mode):
        return _KINDS.get(stat.S_IFMT(status.st_mode), "no file")
    if status.st_nlink > 1 and status.st_uid != me:
        return f"another name of a file that belongs to {owner(status.st_uid)}"
    return None


def owner(uid: int) -> str:
    """Returns the name and number of an account."""
    import pwd  # noqa: PLC0415 - needed for a message alone

    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
