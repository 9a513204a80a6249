"""Opens the place that an export goes to: a file or a folder that appears whole or not at all, or a pipe."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from ..errors import FolderError, SinkError, StorageFull
from ..remote import open_object
from ..runtime.files import is_full, sync_folder
from ..runtime.private_files import DRAFT, FOLDER_MODE, Unsafe, opener, replace_private_file
from ..sinks import ReaderGone

BUFFER = 1 << 18


@contextmanager
def open_target(path: Path | str | None) -> Iterator[IO[bytes]]:
    """Yields a file that replaces the one at `path` when the block ends without an error; None: standard output.

    A text is the URL of an object in a store, which gets a pipe.

    Where the block fails, nothing is left and a file that was there before is untouched. Raises FolderError for a place
    that cannot be written, StorageFull, ReaderGone where nobody reads standard output any more, SinkError.
    """
    with _translate_errors(path):
        if path is None:
            with os.fdopen(os.dup(1), "wb", buffering=BUFFER) as file:
                yield file
        elif isinstance(path, str):
            with open_object(path) as file:
                yield file
        elif path.is_dir():
            raise FolderError(f"{path} is a folder: name a file in it")
        else:
            with replace_private_file(path) as file:
                yield file


@contextmanager
def by_name(file: IO[bytes], scratch: Path) -> Iterator[Path]:
    """Yields the path of an empty file, for writers that open files by their names; its bytes become those of `file`.

    It is the file itself where that has a name, else a temporary one in `scratch`. Raises OSError.
    """
    name = getattr(file, "name", None)
    if isinstance(name, str):
        yield Path(name)
        return
    with TemporaryDirectory(prefix=".export-", dir=scratch) as folder:
        path = Path(folder) / "draft"
        yield path
        with open(path, "rb", opener=opener) as made:
            shutil.copyfileobj(made, file, BUFFER)


@contextmanager
def open_target_folder(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path`, which gets that name when the block ends without an error.

    Where the block fails, nothing is left. Raises FolderError where `path` is there already, StorageFull, SinkError.
    """
    draft = path.with_name(f"{path.name}{DRAFT}")
    with _translate_errors(path):
        _require_free(path)
        if draft.is_dir() and not draft.is_symlink():
            shutil.rmtree(draft)  # left by a process that was killed
        draft.mkdir(FOLDER_MODE)
        try:
            yield draft
            _require_free(path)
            draft.rename(path)
            sync_folder(path.parent)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise FolderError(f"{path} is there already: remove it, or name another folder")


@contextmanager
def _translate_errors(path: Path | str | None) -> Iterator[None]:
    """Translates errors of the system into our own."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone("nobody reads standard output any more") from error
    except Unsafe as error:
        raise FolderError(str(error)) from error
    except sqlite3.Error as error:  # of a database that is written, or a list that is kept in a temporary file
        place = path or "standard output"
        if is_full(error):
            raise StorageFull(f"{place}: no space left for it or for temporary files, and nothing was kept") from error
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
            raise SinkError(f"{place}: {error}, and nothing was kept") from error
        raise
    except OSError as error:
        place = error.filename or path or "standard output"
        if is_full(error):
            raise StorageFull(f"{path or 'standard output'}: no space left, and nothing was kept") from error
        if isinstance(path, Path) and not path.parent.is_dir():
            raise FolderError(f"{path.parent} is no folder, so {path.name} cannot be written there") from error
        raise SinkError(f"{place}: {error.strerror}") from error
