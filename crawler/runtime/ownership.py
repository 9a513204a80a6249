"""Whose folders and settings are obeyed: our own and the system's; those of other accounts only if we are told to."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .private_files import Planted, Unsafe, owner

ROOT = 0
"""Whoever is root can change everything anyway."""


class Trust(NamedTuple):
    """What its user says of a folder that is not theirs alone. Never read from there: whoever wrote it would say so."""

    foreign: bool = False
    """It, its files and files of settings may belong to another account."""
    open: bool = False
    """Others may write there although it holds secrets, and its files stay as readable as they are."""


NOBODY = Trust()


class Foreign(Unsafe):
    """It belongs to another account, which could change what a crawl does."""

    def __init__(self, path: str | os.PathLike[str], uid: int) -> None:
        super().__init__(
            path, f"belongs to {owner(uid)} and is not obeyed: use one of your own, or trust it with --trust-folder"
        )


class Open(Unsafe):
    """Others may write into a folder that is to hold secrets."""

    def __init__(self, path: str | os.PathLike[str], mode: int) -> None:
        super().__init__(
            path,
            f"can be written by others (mode {mode & 0o7777:04o}) and is to hold secrets: "
            f"chmod go-w {os.fspath(path)}, or allow it with --open-folder",
        )


def is_own(status: os.stat_result, me: int) -> bool:
    """Whether it belongs to us, or to root."""
    return status.st_uid in (me, ROOT)


def can_others_write(status: os.stat_result, me: int, own_group: int | None) -> bool:
    """Whether other accounts than we and root may change it. `own_group` has no member but us."""
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
    """The same of a file that is open already, and of the link that led there."""
    if trust.foreign:
        return
    for status in (os.fstat(file), os.lstat(path)):
        if not is_own(status, os.geteuid()):
            raise Foreign(path, status.st_uid)


def check_contents(folder: Path, trust: Trust = NOBODY) -> None:
    """Raises Foreign where a folder, or anything that stands in it, belongs to another account; OSError."""
    check_owner(folder, trust)
    if trust.foreign:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another process works there, and removed it
                status = entry.stat(follow_symlinks=False)
                if not is_own(status, os.geteuid()):
                    raise Foreign(entry.path, status.st_uid)


def check_writers(folder: Path, trust: Trust = NOBODY, *, holds_secrets: bool) -> str | None:
    """What to say of a folder that others may write to; None: nobody may. Raises Open where it is to hold secrets."""
    status = folder.stat()
    if not _is_shared(status):
        return None
    if holds_secrets and not trust.open:
        raise Open(folder, status.st_mode)
    return f"{folder} can be written by others (mode {status.st_mode & 0o7777:04o}): they can change what is crawled"


def check_names(folder: Path, status: os.stat_result, path: Path) -> None:
    """Raises Planted where others can write to the folder, and a file of ours there has a second name.

    Some systems let everybody give another name to a file, and ours would be written over under it.
    """
    if status.st_nlink > 1 and stat.S_ISREG(status.st_mode) and _is_shared(folder.stat()):
        raise Planted(path, "another name of some file")


def _is_shared(status: os.stat_result) -> bool:
    return can_others_write(status, os.geteuid(), _own_group())


def _own_group() -> int | None:
    """Our group, where it is ours alone: named like us and without another member, as many systems make them."""
    try:
        me = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(me.pw_gid)
    except KeyError:
        return None
    return group.gr_gid if group.gr_name == me.pw_name and set(group.gr_mem) <= {me.pw_name} else None
