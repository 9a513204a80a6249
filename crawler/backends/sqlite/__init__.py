"""The backend of the event loops of one machine: the crawl's own SQLite file, cut into shards."""

from .backend import SqliteBackend, open_memory_backend, open_sqlite_backend
from .cutting import cut_file, is_cut

__all__ = ["SqliteBackend", "cut_file", "is_cut", "open_memory_backend", "open_sqlite_backend"]
