"""Exports a crawl folder in a format, to a file or to standard output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from typing import IO, NamedTuple

import orjson

from ..conditions import BadCondition, Condition, parse_condition
from ..errors import ConfigError, FolderError
from ..folder.folder import Folder
from ..runtime.nearest import did_you_mean_file
from ..sinks.field_kinds import RECORD_FIELDS
from .formats import FolderFormat, Format, find_format
from .schemas import OWN
from .source import Tell, read_source, tell_nobody
from .target import open_target, open_target_folder
from .wanted import LEAST_TOKENS, MOST_TOKENS, TOKENS, Wanted


def export_folder(  # noqa: PLR0913
    folder: Folder,
    name: str,
    path: Path | str | None,
    *,
    fields: Sequence[str] = (),
    where: str = "",
    schema: str = OWN,
    tokens: int = TOKENS,
    since: Path | None = None,
    tell: Tell = tell_nobody,
) -> None:
    """Writes what is settled in a folder to the file `path` (None: standard output), in the format of that name.

    A text is the URL of an object: `s3://bucket/pages.parquet`. For `graph`, `webgraph`, `mirror` and `sitemap`, `path`
    is a new folder. Of the formats that are made of records, `where` says which are wanted
    (`status >= 400 and depth < 3`), and of tables `schema` how the columns are called (`crawld`, `commoncrawl`,
    `scrapy`) and `fields` which there are. Passages (`chunks`) have `tokens` tokens at most; a file beside tells what
    changed since the export `since`, or since the one at `path`. It works while a crawl runs in the folder, and locks
    nothing. The file or
    folder appears whole, or not at all. Blocks. `tell` is told how many bytes of how many were read. Raises ConfigError
    for an unknown format, field, schema or condition, FolderError, FrontierError, ArchiveError for a damaged WARC file,
    StorageFull, SinkError.
    """
    kind = find_format(name)
    wanted = replace(_choose(name, kind, fields, schema, path), tokens=_check_tokens(tokens))
    condition = _read_condition(name, kind, where)
    if isinstance(kind, FolderFormat):
        if not isinstance(path, Path):
            kept = "an object store keeps files" if path else "standard output is a file"
            raise ConfigError(f"--out: the format {name} is a folder, and {kept}: name a folder")
        with open_target_folder(path) as draft, _blaming_records(folder):
            kind.fill(read_source(folder, tell, condition), draft)
        return
    with open_target(path) as file, _open_changes(kind, path, since) as changes, _blaming_records(folder):
        said = replace(wanted, before=changes.before, changes=changes.file)
        kind.write(read_source(folder, tell, condition), said, file)


class _Changes(NamedTuple):
    """The second file of a format that tells what changed since an export. None: there is none."""

    before: Path | None = None
    file: IO[bytes] | None = None


@contextmanager
def _open_changes(kind: Format, path: Path | str | None, since: Path | None) -> Iterator[_Changes]:
    """Opens the file of changes beside the export; it appears before that does, or not at all. Raises ConfigError."""
    if not kind.has_changes or not isinstance(path, Path):
        if since is not None:
            words = "it stands beside the file, so name one with -o" if kind.has_changes else "chunks alone tell it"
            raise ConfigError(f"--since-export: what changed: {words}")
        yield _Changes()
        return
    if since is not None and not since.is_file():
        raise ConfigError(f"--since-export: {since} is no file{did_you_mean_file(since)}")
    before = since or (path if path.is_file() else None)
    with open_target(path.with_suffix(f".changes{path.suffix}")) as file:
        yield _Changes(before, file)


def _check_tokens(tokens: int) -> int:
    if not LEAST_TOKENS <= tokens <= MOST_TOKENS:
        raise ConfigError(f"--tokens: {tokens}, and it should be {LEAST_TOKENS} to {MOST_TOKENS:,}")
    return tokens


@contextmanager
def _blaming_records(folder: Folder) -> Iterator[None]:
    try:
        yield
    except orjson.JSONDecodeError as error:
        words = "a line of its output is no JSON, so another program or the disk changed it"
        raise FolderError(f"{folder.path} is damaged: {words}") from error


def _choose(
    name: str, kind: Format | FolderFormat, fields: Sequence[str], schema: str, path: Path | str | None
) -> Wanted:
    scratch = path.absolute().parent if isinstance(path, Path) else Path(gettempdir())
    wanted = Wanted(scratch, tuple(field for field in fields if field.strip()), schema)
    chosen = wanted.columns() if wanted.is_choice else None
    if chosen and not kind.has_fields:
        option = "--fields" if wanted.fields else "--schema"
        raise ConfigError(f"{option}: the format {name} has none to choose from")
    if schema != OWN and not kind.has_schema:
        raise ConfigError(f"--schema: the format {name} has our own names alone")
    return wanted


def _read_condition(name: str, kind: Format | FolderFormat, where: str) -> Condition | None:
    if not where.strip():
        return None
    if not kind.has_records:
        raise ConfigError(f"--where: the format {name} is not made of records, of which it could choose some")
    try:
        return parse_condition(where, RECORD_FIELDS)
    except BadCondition as error:
        raise ConfigError(f"--where: {error}") from None
