"""Reports how the crawl of a folder came out, from its records."""

from __future__ import annotations

from ..reports import Report, recall
from ..reports import keep as keep_count
from ..sinks import find_readable
from .folder import Folder, translate_os_errors


def read_report(folder: Folder, *, most_bytes: int | None = None, keep: bool = False) -> Report | None:
    """Returns the report of a folder's crawl, while it runs, too. Blocks: a million records take about ten seconds.

    None: no output can be read back, or more than `most_bytes` of it were not counted before. With `keep` the folder
    keeps the count in a file of its own, and the next call counts only what is new. Raises FolderError, StorageFull.
    """
    found = find_readable(folder.outputs)
    if found is None:
        return None
    output, reader = found
    with translate_os_errors(folder.path):
        count = recall(folder.path, output.name, reader)
        if most_bytes is not None and reader.end() - count.end > most_bytes:
            return None
        while count.add_part(reader):
            pass
        if keep:
            keep_count(folder.path, count.dump())
    return count.report(1.0)
