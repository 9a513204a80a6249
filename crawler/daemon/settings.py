"""The daemon's own settings: the `[daemon]` table of the file that `crawl serve -c FILE` reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple, Unpack, get_origin

from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from .. import urls
from ..errors import ConfigError, UrlError
from ..runtime.nearest import did_you_mean
from ..runtime.ownership import NOBODY, Trust
from ..settings import Config, Table
from ..settings.catalog import default_of
from ..settings.faults import simplify
from ..settings.loading import amend, load
from ..settings.meanings import meaning_of
from ..settings.reading import DAEMON, PREFIX, read
from ..settings.table import Live
from ..settings.toml import comment, text_of
from .keywords import DaemonSettings
from .owners import check_bounds

_PREFIX = f"{PREFIX}{DAEMON.upper()}__"
_NOTHING: Mapping[str, object] = MappingProxyType({})
MIB = 1 << 20


def parse_target(url: str) -> str:
    """Returns the canonical URL of a webhook's target. Raises ValueError."""
    try:
        return str(urls.parse(url))
    except UrlError as error:
        raise ValueError(str(error)) from None


def _bounds(given: dict[str, Any]) -> dict[str, object]:
    try:
        return check_bounds(given)
    except ConfigError as error:
        raise ValueError(str(error).replace("settings: ", "")) from None


ADAPTERS = ("firecrawl", "scrapyd")
"""The protocols that are spoken where the owner asks for them."""


def _check_adapter(name: str) -> str:
    if name not in ADAPTERS:
        raise ValueError(f"should be one of {', '.join(ADAPTERS)}{did_you_mean(name, ADAPTERS)}")
    return name


ADDRESS = "address"
"""The file in the data folder that holds the daemon's address while it runs."""


class DaemonConfig(Table):
    """The daemon, which runs many crawls."""

    host: str = "127.0.0.1"
    """The address that the API listens on. Any address but loopback requires a token."""
    port: Annotated[int, Field(ge=0, le=65535)] = 7878
    """The port that the API listens on; 0: any free one."""
    socket: str = ""
    """The path of a unix socket to listen on, instead of host and port. Empty: none."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that clients may use for the API, besides localhost and the address that it listens on."""
    webhooks: Live[tuple[Annotated[str, AfterValidator(parse_target)], ...]] = ()
    """URLs that receive every change of a job's state. docs/daemon.md explains how each message is signed."""
    webhook_secret_file: str = ""
    """The file with the secret that signs webhooks; nobody but its owner may have access. Empty: `webhook-secret` in
    the data folder."""
    token_file: str = ""
    """The file with the token that clients send; nobody but its owner may have access. Empty: `token` in the data
    folder."""
    data: str = "crawld-data"
    """The folder where the daemon stores its jobs and everything else."""
    trust_folder: bool = False
    """Whether to use the data folder, tokens and folders of jobs even if they belong to another account."""
    open_folder: bool = False
    """Whether to use a data folder that other accounts can write to, and to leave the permissions of its files as they
    are."""
    max_running: Live[Annotated[int, Field(ge=1, le=1000)]] = 100
    """Most jobs that run at the same time. Further jobs wait in the queue."""
    max_crashes: Live[Annotated[int, Field(ge=2)]] = 3
    """Number of crashes of the daemon in a row after which a job is paused, because it may be their cause: it ran each
    time and fetched nothing in between. `kill -9` and power cuts count as crashes."""
    max_jobs: Live[Annotated[int, Field(ge=1)]] = 10_000
    """Most jobs that the daemon stores, including those that have ended."""
    max_seeds: Live[Annotated[int, Field(ge=1)]] = 100_000_000
    """Most seeds of one job."""
    max_body_bytes: Live[Annotated[int, Field(ge=1024)]] = MIB
    """Largest JSON body of a request. Seeds are not limited by it, because they are streamed."""
    retention_s: Live[Annotated[float, Field(gt=0)] | None] = None
    """Time after which a job that has ended is removed, together with its folder. Absent: jobs are not removed."""
    grace_s: Live[Annotated[float, Field(ge=0)]] = 30.0
    """Time that visits under way get to finish when the daemon stops."""
    concurrency: Live[Annotated[int, Field(ge=1, le=20000)]] = 1024
    """Most visits at the same time, over all jobs."""
    budget_bytes: Annotated[int, Field(ge=1)] = 512 * MIB
    """Memory for the bodies of all jobs together."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Number of worker processes, which all jobs share; 0: one for each core that this process may use."""
    mcp: bool = True
    """Whether models may use the daemon at `/mcp`, with its token (docs/mcp.md)."""
    adapters: tuple[Annotated[str, AfterValidator(_check_adapter)], ...] = ()
    """Other protocols that are spoken over the same jobs: `firecrawl`, `scrapyd` (docs/adapters.md)."""
    bounds: Live[Annotated[dict[str, Any], AfterValidator(_bounds)]] = Field(default_factory=dict)
    """Limits that no job may exceed, by the name of the setting: `{ delay_s = 1.0, limit = 10_000, robots = "obey" }`.
    A job may not choose a shorter delay, a larger number, or another value of anything else."""

    def __init__(self, **settings: Unpack[DaemonSettings]) -> None:
        _fill(self, {name: _Given(value, "settings") for name, value in settings.items()})

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        trust: Trust = NOBODY,
        **settings: Unpack[DaemonSettings],
    ) -> DaemonConfig:
        """Returns the table `[daemon]` of a TOML file, then the environment, then `settings`; the last one wins.

        A variable is called `CRAWL_DAEMON__PORT`; `environ={}` reads none. All other tables of the file are for
        `Config.load`. Raises one ConfigError that names everything wrong, each with the file or the variable that it
        came from; also for a file of another account that `trust` does not allow.
        """
        return _build(_read(Path(path) if path is not None else None, environ, settings, "settings", trust))


def trust_in(config: DaemonConfig) -> Trust:
    """Returns the owner's settings on whom the data folder may belong to, and who may write there."""
    return Trust(config.trust_folder, config.open_folder)


def token_file(config: DaemonConfig) -> Path:
    """Returns the path of the token file."""
    return Path(config.token_file) if config.token_file else Path(config.data) / "token"


def load_daemon(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    chosen: Mapping[str, object] = _NOTHING,
    settings: Mapping[str, object] = _NOTHING,
    *,
    trust: Trust = NOBODY,
) -> tuple[DaemonConfig, Config]:
    """Returns the daemon's own settings, and those that every job starts from: the other tables of the same file.

    The environment overrides both (`CRAWL_DAEMON__PORT`, `CRAWL_DELAY_S`). The command line overrides the
    environment: `chosen` for the daemon, `settings` for the jobs. Raises ConfigError, also for a file of another
    account that `trust` does not allow.
    """
    own = _read(path, environ or {}, chosen, "command line", trust)
    return _build(own), load(path, environ or {}, settings, trust=trust)


def shared_settings(config: DaemonConfig, base: Config) -> Config:
    """Returns the settings of the parts that all jobs share, as settings of one crawl."""
    largest = 2 * base.fetch.max_body_bytes
    return amend(
        base,
        {
            "fetch.concurrency": config.concurrency,
            "fetch.budget_bytes": max(config.budget_bytes, largest),
            "offload.workers": config.workers or base.offload.workers,
        },
    )


def daemon_toml() -> str:
    """Returns a settings file with every setting of the daemon, its meaning and its default."""
    lines = [
        "# Every setting of `crawl serve` with its default: keep the lines that you change, delete the rest.",
        "# All tables of default.toml may stand beside this one; every job starts from them.",
        "",
        f"# {DaemonConfig.__doc__}",
        f"[{DAEMON}]",
    ]
    for name, info in DaemonConfig.model_fields.items():
        default = default_of(info)
        is_absent = default is None or default == {}
        assignment = f"# {name} =" if is_absent else f"{name} = {text_of(default)}"
        lines += ["", *comment(info, meaning_of(DaemonConfig, name)), assignment]
    return "\n".join(lines) + "\n"


class _Given(NamedTuple):
    value: object
    origin: str


def _read(
    path: Path | None, environ: Mapping[str, str], chosen: Mapping[str, object], origin: str, trust: Trust
) -> dict[str, _Given]:
    table = read(path, trust).get(DAEMON, {}) if path else {}
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{DAEMON}] should be a table")
    given = {name: _Given(value, str(path)) for name, value in table.items()}
    for variable, text in environ.items():
        if variable.startswith(_PREFIX):
            name = variable.removeprefix(_PREFIX).lower()
            given[name] = _Given(_value(name, text), f"{variable} in the environment")
    return given | {name: _Given(value, origin) for name, value in chosen.items()}


def _value(name: str, text: str) -> object:
    """Returns the value of an environment variable: items of a list are separated by commas."""
    info = DaemonConfig.model_fields.get(name)
    is_list = info is not None and get_origin(info.annotation) is tuple
    return tuple(text.split(",")) if is_list else text


def _build(given: Mapping[str, _Given]) -> DaemonConfig:
    config = DaemonConfig.__new__(DaemonConfig)
    _fill(config, given)
    return config


def _fill(config: DaemonConfig, given: Mapping[str, _Given]) -> None:
    values: dict[str, Any] = {name: one.value for name, one in given.items()}
    try:
        BaseModel.__init__(config, **values)
    except ValidationError as error:
        lines = [f"{given[str(one['loc'][0])].origin}: [{DAEMON}] {_complain(one)}" for one in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _complain(error: ErrorDetails) -> str:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{name}: no such setting{did_you_mean(name, DaemonConfig.model_fields)}"
    return f"{name} = {error['input']!r}: {simplify(error['msg'])}"
