"""Exports a crawl folder in a format, to a file or to standard output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir

from ..errors import ConfigError
from ..folder.folder import Folder
from ..sinks.columns import check_fields
from .formats import Format, find_format
from .source import Tell, read_source, tell_nobody
from .target import open_target, open_target_folder
from .wanted import Wanted


def export_folder(
    folder: Folder, name: str, path: Path | None, *, fields: Sequence[str] = (), tell: Tell = tell_nobody
) -> None:
    """Writes what is settled in a folder to the file `path` (None: standard output), in the format of that name.

    For `mirror`, `path` is a new folder. It works while a crawl runs in the folder, and locks nothing. The file or
    folder appears whole, or not at all. Blocks. `tell`
    is told how many bytes of how many were read. Raises ConfigError for an unknown format or field, FolderError,
    FrontierError, ArchiveError for a damaged WARC file, StorageFull, SinkError.
    """
    kind = find_format(name)
    chosen = check_fields(fields)
    if chosen and not (isinstance(kind, Format) and kind.has_fields):
        raise ConfigError(f"--fields: the format {name} has none to choose from")
    if not isinstance(kind, Format):
        if path is None:
            raise ConfigError(f"--out: the format {name} is a folder: name one")
        with open_target_folder(path) as draft:
            kind(read_source(folder, tell), draft)
        return
    scratch = Path(gettempdir()) if path is None else path.absolute().parent
    wanted = Wanted(scratch, chosen)
    with open_target(path) as file:
        kind.write(read_source(folder, tell), wanted, file)
