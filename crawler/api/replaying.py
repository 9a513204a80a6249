"""Replays archives: the same crawl over bytes that were kept, without the network."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Unpack

from ..assembly.parsing import Parse
from ..errors import ConfigError
from ..frontier import look
from ..metrics.metrics import Summary
from ..protocols import Sink
from ..runtime.ownership import NOBODY, Trust
from ..runtime.threads import run_in_thread
from ..settings import Config, Settings
from ..settings.loading import amend, chosen_settings
from .opening import open_crawl
from .seeds import OnBadSeed, Seed

Places = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A WARC, a WACZ or a folder that holds some; or several of these."""
SETTINGS, FRONTIER = "crawl.toml", "frontier.sqlite"
AT_ONCE = 32
"""Visits at a time to one site, where each archived document is a seed: an archive does not mind, and what one page
says of another does not matter."""
MOST_SEEDS = 1 << 20
_OF_FILES = "warc"
"""The kind of sink that keeps archives. A replay would make copies of what it reads."""


class ReplayPlan(NamedTuple):
    """How archives are replayed."""

    config: Config
    """The settings, with the archives among them."""
    seeds: tuple[str, ...] | None
    """The seeds of the crawl that made the archives. None: each archived document is a seed."""


def find_crawl_folder(archives: Places) -> Path | None:
    """Returns the crawl folder that all these archives stand in, or that is named itself; None: there is none."""
    folders = {_folder_of(Path(place)) for place in _list(archives)}
    return folders.pop() if len(folders) == 1 else None


def plan_replay(
    archives: Places, config: Config | None = None, *, has_seeds: bool = False, trust: Trust = NOBODY
) -> ReplayPlan:
    """Returns the settings and the seeds with which archives are replayed.

    Archives of a crawl folder get its seeds, and its settings where `config` is None. Otherwise each archived document
    is a seed, and no link is followed unless `config` chooses a reach. `has_seeds`: there are others. Raises
    ConfigError, FolderError, FrontierError.
    """
    folder = find_crawl_folder(archives)
    if config is None:
        config = Config.load(folder / SETTINGS, environ={}, trust=trust) if folder else Config()
    sinks = tuple(sink for sink in config.sinks if sink.kind != _OF_FILES)
    settings: dict[str, object] = {"archives": [str(Path(place).absolute()) for place in _list(archives)]}
    if len(sinks) < len(config.sinks):
        settings["sinks"] = sinks
    if has_seeds:
        return ReplayPlan(amend(config, settings), ())
    if folder and (folder / FRONTIER).is_file():
        return ReplayPlan(amend(config, settings), _read_seeds(folder))
    chosen = chosen_settings(config)
    settings |= {} if "scope.reach" in chosen else {"reach": "page"}
    settings |= {} if "politeness.per_site" in chosen else {"per_site": AT_ONCE}
    return ReplayPlan(amend(config, settings), None)


async def replay(  # noqa: PLR0913 - one for each thing that is no setting
    sources: Places,
    seeds: Iterable[Seed] | AsyncIterable[Seed] | None = None,
    config: Config | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    sinks: Sequence[Sink] = (),
    parse: Parse[object] | None = None,
    on_bad_seed: OnBadSeed = "raise",
    trust: Trust = NOBODY,
    **settings: Unpack[Settings],
) -> Summary:
    """Crawls over the archives in `sources` (WARC, WACZ, folders of these) instead of the network, to the end.

    Returns a summary.
    Without `seeds` these are the seeds of the crawl folder that the archives stand in, else all archived documents.
    Without `config` the settings are those of that folder. Other arguments and errors are those of `open_crawl`.
    """
    make = partial(plan_replay, sources, config and amend(config, settings), has_seeds=seeds is not None, trust=trust)
    plan = await run_in_thread(make)
    async with open_crawl(
        amend(plan.config, settings), folder=folder, fresh=fresh, sinks=sinks, parse=parse, on_bad_seed=on_bad_seed,
        trust=trust,
    ) as crawl:  # fmt: skip
        if seeds is not None:
            return await crawl.run(seeds)
        assert crawl.archives is not None
        return await crawl.run(crawl.archives.documents() if plan.seeds is None else plan.seeds)


def _list(archives: Places) -> list[str | os.PathLike[str]]:
    listed: list[str | os.PathLike[str]] = [archives] if isinstance(archives, str | os.PathLike) else list(archives)
    if not listed:
        raise ConfigError("archives: name a WARC, a WACZ or a folder that holds some")
    return listed


def _folder_of(place: Path) -> Path | None:
    """Returns the crawl folder that a place is, or stands in at most two levels deep."""
    place = place.absolute()
    return next((one for one in (place, *place.parents[:2]) if (one / SETTINGS).is_file()), None)


def _read_seeds(folder: Path) -> tuple[str, ...]:
    """Returns the seeds of a crawl folder, in their order. Raises FrontierError."""
    roots = look(folder / FRONTIER, lambda found: found.roots(MOST_SEEDS))
    return tuple(root.url.text for root in roots if root.seed is None)
