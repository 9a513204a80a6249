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
from .owners import checked_bounds

_PREFIX = f"{PREFIX}{DAEMON.upper()}__"
_NOTHING: Mapping[str, object] = MappingProxyType({})
MIB = 1 << 20


def target(url: str) -> str:
    """Returns the canonical URL of a webhook's target. Raises ValueError."""
    try:
        return str(urls.parse(url))
    except UrlError as error:
        raise ValueError(str(error)) from None


def _bounds(given: dict[str, Any]) -> dict[str, object]:
    try:
        return checked_bounds(given)
    except ConfigError as error:
        raise ValueError(str(error).replace("settings: ", "")) from None


ADDRESS = "address"
"""The file in the data folder that holds the daemon's address while it runs."""


class DaemonConfig(Table):
    """The daemon, which runs many crawls."""

    host: str = "127.0.0.1"
    """The address that the API listens on. Any but loopback requires a token."""
    port: Annotated[int, Field(ge=0, le=65535)] = 7878
    """The port; 0: any free one."""
    socket: str = ""
    """A unix socket to listen on instead of host and port."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that the API answers to, besides localhost and the address it listens on."""
    webhooks: Live[tuple[Annotated[str, AfterValidator(target)], ...]] = ()
    """URLs that receive every change of a job's state. docs/daemon.md says how the messages are signed."""
    webhook_secret_file: str = ""
    """The file with the secret that signs webhooks, readable by its owner alone. Empty: `webhook-secret` in the data
    folder."""
    token_file: str = ""
    """The file with the token that clients need, readable by its owner alone. Empty: `token` in the data folder."""
    data: str = "crawld-data"
    """The folder of the jobs and of everything else that the daemon stores."""
    trust_folder: bool = False
    """Use the data folder, tokens and folders of jobs even if they belong to another account."""
    open_folder: bool = False
    """Use a data folder that others can write to, and keep its files' permissions."""
    max_running: Live[Annotated[int, Field(ge=1, le=1000)]] = 100
    """Jobs that run at the same time; the others are queued."""
    max_crashes: Live[Annotated[int, Field(ge=2)]] = 3
    """A job is paused after this many crashes of the daemon in a row (also `kill -9` and power cuts), if it ran each
    time and fetched nothing in between: it may be the cause."""
    max_jobs: Live[Annotated[int, Field(ge=1)]] = 10_000
    """Jobs that the daemon keeps, including those that have ended."""
    max_seeds: Live[Annotated[int, Field(ge=1)]] = 100_000_000
    """Seeds of one job."""
    max_body_bytes: Live[Annotated[int, Field(ge=1024)]] = MIB
    """The largest JSON body of a request. Seeds are streamed and not limited by it."""
    retention_s: Live[Annotated[float, Field(gt=0)] | None] = None
    """Remove jobs, with their folders, this long after they ended. Absent: keep them."""
    grace_s: Live[Annotated[float, Field(ge=0)]] = 30.0
    """Time that visits under way get to finish when the daemon stops."""
    concurrency: Live[Annotated[int, Field(ge=1, le=20000)]] = 1024
    """Visits at the same time, over all jobs."""
    budget_bytes: Annotated[int, Field(ge=1)] = 512 * MIB
    """Memory for bodies at one time, over all jobs."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Worker processes that all jobs share; 0: one for each core this process may use."""
    bounds: Live[Annotated[dict[str, Any], AfterValidator(_bounds)]] = Field(default_factory=dict)
    """Limits that no job may exceed, by name: `{ delay_s = 1.0, limit = 10_000, robots = "obey" }`. It is the least
    of a delay, the most of a number, the only value of anything else."""


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
    return checked(given | dict(chosen), origin), load(path, environ, settings, trust=trust)


def checked(given: Mapping[str, object], origin: str = "settings") -> DaemonConfig:
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
