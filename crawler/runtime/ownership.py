"""Decides which folders and settings are obeyed: ours and root's; those of other accounts only on request."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .private_files import NotARegularFile, Unsafe, owner

ROOT = 0
"""The uid of root, which can change everything anyway."""


class Trust(NamedTuple):
    """The user's permission for folders that are not theirs alone.

    Never read from such a folder: its writer would grant it.
    """

    foreign: bool = False
    """The folder, its files and files of settings may belong to another account."""
    open: bool = False
    """Others may write there although the folder holds secrets, and its files stay as readable as they are."""


NOBODY = Trust()


class Foreign(Unsafe):
    """Raised for a path of another account, which could change what a crawl does."""

    def __init__(self, path: str | os.PathLike[str], uid: int) -> None:
        super().__init__(
            path,
            f"belongs to {owner(uid)}, so it is not used: take one of your own, or allow this one with --trust-folder",
        )


class Open(Unsafe):
    """Raised for a folder for secrets that others may write to."""

    def __init__(self, path: str | os.PathLike[str], mode: int) -> None:
        super().__init__(
            path,
            f"can be written by others (mode {mode & 0o7777:04o}) and will hold secrets: "
            f"chmod go-w {os.fspath(path)}, or allow it with --open-folder",
        )


def is_own(status: os.stat_result, me: int) -> bool:
    """Returns whether a file belongs to the account `me`, or to root."""
    return status.st_uid in (me, ROOT)


def can_others_write(status: os.stat_result, me: int, own_group: int | None) -> bool:
    """Returns whether accounts other than `me` and root may change a file. `own_group` has no member but us."""
    return bool(status.st_mode & stat.S_IWOTH) or bool(
        status.st_mode & stat.S_IWGRP and status.st_gid not in (own_group, ROOT)
    )


def check_owner(path: Path, trust: Trust = NOBODY) -> None:
    """Raises Foreign where the path, or what a link there leads to, belongs to another account; OSError."""
    if trust.foreign:
        return
    for status in (os.lstat(path), os.stat(path)):
        if not is_own(status, os.geteuid()):
            raise Foreign(path, status.st_uid)


def check_open_file(file: int, path: Path, trust: Trust = NOBODY) -> None:
    """Raises Foreign where an open file, or the link that led to it, belongs to another account; OSError."""
    if trust.foreign:
        return
    for status in (os.fstat(file), os.lstat(path)):
        if not is_own(status, os.geteuid()):
            raise Foreign(path, status.st_uid)


def check_contents(folder: Path, trust: Trust = NOBODY) -> None:
    """Raises Foreign where a folder, or anything in it, belongs to another account; OSError."""
    check_owner(folder, trust)
    if trust.foreign:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another process works there, and removed the file
                status = entry.stat(follow_symlinks=False)
                if not is_own(status, os.geteuid()):
                    raise Foreign(entry.path, status.st_uid)


def check_writers(folder: Path, trust: Trust = NOBODY, *, holds_secrets: bool) -> str | None:
    """Returns a warning about a folder that others may write to; None: nobody may.

    Raises Open where the folder is for secrets.
    """
    status = folder.stat()
    if not _is_shared(status):
        return None
    if holds_secrets and not trust.open:
        raise Open(folder, status.st_mode)
    return f"{folder} can be written by others (mode {status.st_mode & 0o7777:04o}): they can change what is crawled"


def check_names(folder: Path, status: os.stat_result, path: Path) -> None:
    """Raises Planted where others can write to the folder, and our file there has a second name.

    Some systems let everybody give another name to a file, and our writes would then change that file.
    """
    if status.st_nlink > 1 and stat.S_ISREG(status.st_mode) and _is_shared(folder.stat()):
        raise NotARegularFile(path, "another name of some file")


def _is_shared(status: os.stat_result) -> bool:
    return can_others_write(status, os.geteuid(), _own_group())


def _own_group() -> int | None:
    """Returns our group if it is ours alone: named like us and without another member, as many systems make them."""
    try:
        me = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(me.pw_gid)
    except KeyError:
        return None
    return group.gr_gid if group.gr_name == me.pw_name and set(group.gr_mem) <= {me.pw_name} else None
