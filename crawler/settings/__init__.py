"""Declares every setting with its meaning, its default and its bounds: the models and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

from pydantic import Field, field_validator

from ..runtime.ownership import NOBODY, Trust
from .copies import CopiesConfig
from .dedupe import DedupeConfig
from .extract import ExtractConfig
from .fetch import FetchConfig
from .filling import build, fill
from .identity import IdentityConfig
from .keywords import AllSettings, Settings
from .output import (
    BUILT_IN_SINKS,
    JOB_SINKS,
    MOST_INLINE_BYTES,
    MOST_SINKS,
    OWN_FILES,
    FrontierConfig,
    OffloadConfig,
    SinkConfig,
    as_file,
)
from .politeness import PolitenessConfig
from .proof import ProofConfig
from .reading import add_preset, gather, read_keywords
from .render import RenderConfig
from .scope import LinkKind, ScopeConfig, UrlsConfig
from .search import SearchConfig
from .sites import SiteConfig, check_sites
from .table import Fixed, ForJobs, Live, Mark, Nature, Secret, Table, header_text, mark_of
from .telemetry import TelemetryConfig
from .usage import UsageConfig
from .warc import WarcConfig
from .watch import WatchConfig

__all__ = [
    "BUILT_IN_SINKS",
    "JOB_SINKS",
    "MOST_INLINE_BYTES",
    "OWN_FILES",
    "AllSettings",
    "Config",
    "CopiesConfig",
    "DedupeConfig",
    "ExtractConfig",
    "FetchConfig",
    "FrontierConfig",
    "LinkKind",
    "Mark",
    "Nature",
    "OffloadConfig",
    "PolitenessConfig",
    "ProofConfig",
    "RenderConfig",
    "ScopeConfig",
    "SearchConfig",
    "Settings",
    "SinkConfig",
    "SiteConfig",
    "Table",
    "TelemetryConfig",
    "UrlsConfig",
    "UsageConfig",
    "WarcConfig",
    "WatchConfig",
    "mark_of",
]


class Config(Table):
    """All settings of a crawl, checked; immutable. `config/default.toml` shows them with their defaults.

    `Config(max_depth=2)` names settings by themselves, `Config(scope={"max_depth": 2})` by their table. Raises one
    ConfigError that names everything unknown, mistyped or out of bounds.
    """

    preset: ForJobs[str] = ""
    """The preset that these settings begin with: archive, audit, text (`crawl config presets`). All settings given
    beside it win. Empty: none."""
    user_agent: ForJobs[str] = ""
    """The name that the crawl gives itself in User-Agent; empty: the project's name and version."""
    contact: ForJobs[str] = ""
    """A mail address or URL where the owner of a site reaches you; it becomes part of the User-Agent."""
    sites: Live[Secret[ForJobs[dict[str, SiteConfig]]]] = Field(default_factory=dict)
    """Settings for single sites, hosts or patterns of hosts, in tables like `[sites."https://example.org"]` or
    `[sites."*.example.org"]`: any of delay_s, per_site, limit, bytes_per_s, headers, proxy, basic_auth, bearer,
    client_cert, client_key."""
    scope: ScopeConfig = ScopeConfig()
    urls: UrlsConfig = UrlsConfig()
    politeness: PolitenessConfig = PolitenessConfig()
    fetch: FetchConfig = FetchConfig()
    offload: OffloadConfig = OffloadConfig()
    frontier: FrontierConfig = FrontierConfig()
    watch: WatchConfig = WatchConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    extract: ExtractConfig = ExtractConfig()
    search: SearchConfig = SearchConfig()
    usage: UsageConfig = UsageConfig()
    proof: ProofConfig = ProofConfig()
    identity: IdentityConfig = IdentityConfig()
    render: RenderConfig = RenderConfig()
    dedupe: DedupeConfig = DedupeConfig()
    warc: WarcConfig = WarcConfig()
    copies: CopiesConfig = CopiesConfig()
    sinks: Fixed[ForJobs[tuple[SinkConfig, ...]]] = (SinkConfig(),)
    """The outputs of a crawl."""

    @field_validator("user_agent", "contact")
    @classmethod
    def _check_text(cls, text: str) -> str:
        return header_text(text)

    @field_validator("sites")
    @classmethod
    def _check_sites(cls, sites: dict[str, SiteConfig]) -> dict[str, SiteConfig]:
        return check_sites(sites)

    @field_validator("sinks")
    @classmethod
    def _check_sinks(cls, sinks: tuple[SinkConfig, ...]) -> tuple[SinkConfig, ...]:
        if len(sinks) > MOST_SINKS:
            raise ValueError(f"should be {MOST_SINKS} at most")
        paths = [as_file(sink.path) for sink in sinks if sink.path]
        if len(set(paths)) < len(paths):
            raise ValueError("two sinks should not write the same file")
        return sinks

    def __init__(self, **settings: Unpack[AllSettings]) -> None:
        fill(self, add_preset(type(self), read_keywords(type(self), settings)))

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        trust: Trust = NOBODY,
        **settings: Unpack[AllSettings],
    ) -> Config:
        """Returns the settings of a preset, a TOML file, then the environment, then `settings`; the last one wins.

        A variable is called `CRAWL_DELAY_S`, or in full `CRAWL_POLITENESS__DELAY_S`; `environ={}` reads none. A table
        `[daemon]` in the file is ignored. Raises one ConfigError that names everything wrong, each with the file or the
        variable that it came from; also for a file of another account that `trust` does not allow.
        """
        file = Path(path) if path is not None else None
        return build(cls, gather(cls, file, environ, settings, "settings", trust))
