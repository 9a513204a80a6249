"""The daemon's own settings: the `[daemon]` table of the file that `crawl serve -c FILE` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_origin

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import ErrorDetails

from .. import urls
from ..errors import ConfigError, UrlError
from ..runtime.nearest import did_you_mean
from ..runtime.ownership import NOBODY, Trust
from ..settings import Config, Table
from ..settings.catalog import default_of
from ..settings.loading import DAEMON, PREFIX, amend, load, read
from ..settings.table import Live
from ..settings.toml import comment, text_of
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
    bounds: Live[Annotated[dict[str, Any], AfterValidator(_bounds)]] = Field(default_factory=dict)
    """Limits that no job may exceed, by the name of the setting: `{ delay_s = 1.0, limit = 10_000, robots = "obey" }`.
    A job may not choose a shorter delay, a larger number, or another value of anything else."""


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
    environ = environ or {}
    own = {name: text for name, text in environ.items() if name.startswith(_PREFIX)}
    tables = read(path, trust) if path else {}
    table = tables.get(DAEMON, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{DAEMON}] should be a table")
    named = {name.removeprefix(_PREFIX).lower(): text for name, text in own.items()}
    given = table | {name: _value(name, text) for name, text in named.items()}
    origin = str(path or ("environment" if named else "command line"))
    return check_settings(given | dict(chosen), origin), load(path, environ, settings, trust=trust)


def check_settings(given: Mapping[str, object], origin: str = "settings") -> DaemonConfig:
    """Returns the checked settings. Raises one ConfigError that names everything wrong."""
    try:
        return DaemonConfig.model_validate(given)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{origin}: [{DAEMON}] {_complaint(one)}" for one in error.errors())) from None


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
        lines += ["", *comment(info), f"# {name} =" if is_absent else f"{name} = {text_of(default)}"]
    return "\n".join(lines) + "\n"


def _value(name: str, text: str) -> object:
    """Returns the value of an environment variable: items of a list are separated by commas."""
    info = DaemonConfig.model_fields.get(name)
    is_list = info is not None and get_origin(info.annotation) is tuple
    return tuple(text.split(",")) if is_list else text


def _complaint(error: ErrorDetails) -> str:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{name}: no such setting{did_you_mean(name, DaemonConfig.model_fields)}"
    return (
        f"{name} = {error['input']!r}: {error['msg'].removeprefix('Value error, ').replace('Input should', 'should')}"
    )
