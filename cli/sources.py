"""Opens the crawl that a command reads: a crawl folder, or what the nodes of a crawl in an engine recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler import Folder, Url

ENGINE = (
    "Read the crawl of this name in an engine, and its nodes' files in FOLDER: postgresql://USER@HOST/DB, redis://HOST."
)


@contextmanager
def open_source(folder: Path, engine: str, *, trust_folder: bool) -> Iterator[Folder]:
    """Opens a crawl folder, to be read. With an engine, what its nodes recorded is gathered in a temporary one first.

    Raises ConfigError, FolderError, FrontierError.
    """
    from crawler import Config, Trust, read_folder

    if not engine:
        yield read_folder(folder, Config(), trust=Trust(foreign=trust_folder))
        return
    from .process import run_loop

    with TemporaryDirectory(prefix="crawld-") as made:
        yield run_loop(lambda: _gather(folder, engine, Path(made)))


def find_standing(name: str, engine: str, url: Url) -> str | None:
    """Returns where a URL stands in a crawl of an engine; None: the crawl never met it."""
    from .process import run_loop

    return run_loop(lambda: _find_standing(name, engine, url))


async def _find_standing(name: str, engine: str, url: Url) -> str | None:
    from crawler import open_engine

    async with open_engine(engine) as opened:
        known = await opened.ask(name, lambda look: look.find(url))
    return known.standing if known else None


async def _gather(home: Path, url: str, into: Path) -> Folder:
    from crawler import open_engine

    async with open_engine(url) as engine:
        return await engine.gather(home.name, [home], into)
