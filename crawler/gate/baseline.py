"""Reads and writes baselines: lists of findings that are known. They are made to be kept with the site's source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from ..errors import ConfigError
from ..export.target import open_target
from ..runtime.nearest import did_you_mean_file
from .verdict import Key

VERSION = 1
MOST_BYTES = 256 << 20

Baseline = frozenset[Key]
"""The findings that are known."""


def read_baseline(path: Path) -> Baseline:
    """Returns the findings of a file. Blocks. Raises ConfigError for a file that is missing or no baseline."""
    try:
        with path.open("rb") as file:
            given = orjson.loads(file.read(MOST_BYTES))
    except FileNotFoundError as error:
        near = did_you_mean_file(path, "; --update-baseline makes it")
        raise ConfigError(f"--baseline: {path}: no such file{near}") from error
    except OSError as error:
        raise ConfigError(f"--baseline: {path} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"--baseline: {path} is no baseline: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("findings"), list):
        raise ConfigError(f"--baseline: {path} is no baseline: it has no list of findings")
    if given.get("v") != VERSION:
        raise ConfigError(f"--baseline: {path} is of version {given.get('v')!r}, and this one reads version {VERSION}")
    try:
        return frozenset(Key(str(one["code"]), str(one["url"]), str(one["detail"])) for one in given["findings"])
    except (KeyError, TypeError) as error:
        raise ConfigError(f"--baseline: {path} is no baseline: a finding lacks its {error}") from error


def make_baseline(keys: Sequence[Key]) -> bytes:
    """Returns the text of a baseline: a finding on each line, sorted, so that changes are easy to review."""
    lines = [orjson.dumps(key._asdict()).decode() for key in sorted(keys)]
    inside = ",\n  ".join(lines)
    return f'{{"v":{VERSION},"findings":[\n  {inside}\n]}}\n'.encode() if lines else b'{"v":1,"findings":[]}\n'


def write_baseline(path: Path, keys: Sequence[Key]) -> None:
    """Writes a baseline, whole or not at all. Blocks. Raises FolderError, StorageFull, SinkError."""
    with open_target(path) as file:
        file.write(make_baseline(keys))
