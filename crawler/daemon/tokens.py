"""Makes and reads secrets in files that only their owner can read."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError
from ..runtime.ownership import NOBODY, Trust, check_open_file
from ..runtime.private_files import Unsafe, make_folder

BITS = 256
"""Length of a new token in bits."""
LEAST = 16
"""Shortest token in characters. At a few thousand guesses a second, none of this length is found in a lifetime."""
MOST_BYTES = 4096


def new_token() -> str:
    """Returns a new token of 256 bits, fit for a header and for the fragment of a URL."""
    return secrets.token_urlsafe(BITS // 8)


def read_or_make(path: Path, make: Callable[[], str] = new_token, trust: Trust = NOBODY) -> str:
    """Returns the secret in the file; a missing file is made, whole or not at all. Raises ConfigError as `read`."""
    with suppress(FileNotFoundError):
        return read(path, trust)
    try:
        make_folder(path.parent)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # O_EXCL, 0600
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{make()}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            with suppress(FileExistsError):  # another process was faster
                os.link(name, path)
        finally:
            os.unlink(name)
        return read(path, trust)
    except OSError as error:
        raise ConfigError(f"{path} cannot be made: {error.strerror}") from error


def read(path: Path, trust: Trust = NOBODY) -> str:
    """Returns the secret in the file. Raises FileNotFoundError.

    Raises ConfigError if the file belongs to another account, others can read it, or it holds no token. Links are
    followed, because systems that distribute secrets use them.
    """
    try:
        with path.open("rb") as file:
            check_open_file(file.fileno(), path, trust)
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise
    except Unsafe as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if stat.S_ISREG(mode) and mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {mode & 0o777:04o}): chmod 600 {path}")
    text = data.decode("latin-1").strip()
    if not LEAST <= len(text) <= MOST_BYTES or not (text.isascii() and text.isprintable()) or " " in text:
        raise ConfigError(f"{path} holds no token: one word of {LEAST} printable characters or more is needed")
    return text
