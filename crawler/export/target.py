"""Opens the place that an export goes to: a file that appears whole or not at all, or a pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..errors import FolderError, SinkError, StorageFull
from ..runtime.files import is_full
from ..runtime.private_files import Unsafe, replace_private_file
from ..sinks import ReaderGone

BUFFER = 1 << 18


@contextmanager
def open_target(path: Path | None) -> Iterator[IO[bytes]]:
    """Yields a file that replaces the one at `path` when the block ends without an error; None: standard output.

    Where the block fails, nothing is left and a file that was there before is untouched. Raises FolderError for a place
    that cannot be written, StorageFull, ReaderGone where nobody reads standard output any more, SinkError.
    """
    try:
        if path is None:
            with os.fdopen(os.dup(1), "wb", buffering=BUFFER) as file:
                yield file
        elif path.is_dir():
            raise FolderError(f"{path} is a folder: name a file in it")
        else:
            with replace_private_file(path) as file:
                yield file
    except BrokenPipeError as error:
        raise ReaderGone("nobody reads standard output any more") from error
    except Unsafe as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        place = error.filename or path or "standard output"
        if is_full(error):
            raise StorageFull(f"{path or 'standard output'}: no space left, and nothing was kept") from error
        if path is not None and not path.parent.is_dir():
            raise FolderError(f"{path.parent} is no folder, so {path.name} cannot be written there") from error
        raise SinkError(f"{place}: {error.strerror}") from error
