"""Every setting, its default and its bounds; the only reader of TOML and environment."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .errors import ConfigError

MIB = 1 << 20
PREFIX = "CRAWL_"
"""Environment variables that begin like this are settings: `CRAWL_DELAY_S`, or in full `CRAWL_POLITENESS__DELAY_S`."""
FIXED = frozenset({"frontier.kind", "sinks"})
"""What a crawl folder keeps for its whole life: its files have that shape."""
OWN_FILES = frozenset({"crawl.toml", "crawl.log", "lock", "bad-seeds.txt", "frontier.sqlite"})
"""What stands in a crawl folder beside the sinks' files."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: Any) -> object:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("should not be true or false")
        return value


class ScopeConfig(_Table):
    """Which URLs belong to this crawl, and where it ends."""

    reach: Literal["page", "prefix", "host", "domain", "any"] = "host"
    """How far a link may lead from its seed: nowhere, below its folder, its host, its registered domain, anywhere."""
    max_depth: Annotated[int, Field(ge=0)] | None = None
    """Hops from the seed; 0 fetches the list alone; absent: no limit."""
    include: tuple[str, ...] = ()
    """Follow only links that match one of these: globs over the whole URL, or `re:` and a regular expression."""
    exclude: tuple[str, ...] = ()
    """Never fetch what matches one of these, seeds included."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Stop after this many fetched pages, exactly."""
    time_limit_s: Annotated[float, Field(gt=0)] | None = None
    """Stop after this long; the same command continues."""
    size_limit_bytes: Annotated[int, Field(gt=0)] | None = None
    """Stop after this much was downloaded; the same command continues."""
    max_repeats: Annotated[int, Field(ge=1)] = 3
    """How often one path segment may occur in a URL before it counts as a trap."""


class PolitenessConfig(_Table):
    """When we may come again."""

    delay_s: Annotated[float, Field(ge=0)] = 1.0
    """Rest between an answer and the next request to the same site; a larger Crawl-delay wins."""
    max_delay_s: Annotated[float, Field(ge=0)] = 60.0
    """What we honour of Crawl-delay at most; and the cap of Retry-After is ten times this."""
    per_site: Annotated[int, Field(ge=1)] = 1
    """Requests at a time to one site (scheme, host, port)."""
    per_ip: Annotated[int, Field(ge=1)] = 16
    """Requests at a time to one address, whatever the number of sites behind it; never less than per_site."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """How often a URL is tried before it counts as failed."""
    retry_delay_s: Annotated[float, Field(ge=0)] = 3.0
    """Wait before the second attempt; three times longer before each further one."""
    robots: Literal["obey", "ignore"] = "obey"
    """Whether robots.txt decides (RFC 9309)."""
    robots_ttl_s: Annotated[float, Field(gt=0)] = 86400.0
    """How long a robots.txt stays fresh (RFC 9309 2.4: at most a day)."""

    @model_validator(mode="after")
    def _an_address_serves_at_least_one_site_in_full(self) -> PolitenessConfig:
        self.__dict__["per_ip"] = max(self.per_ip, self.per_site)  # past `frozen`, before anyone has seen it
        return self


class FetchConfig(_Table):
    """One exchange over the network."""

    concurrency: Annotated[int, Field(ge=1, le=20000)] = 256
    """Visits under way at a time, over all sites."""
    timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """One exchange as a whole, from connecting to the last byte."""
    connect_timeout_s: Annotated[float, Field(gt=0)] = 10.0
    """Name look-up, TCP and TLS."""
    max_body_bytes: Annotated[int, Field(ge=1)] = 16 * MIB
    """Larger bodies are `too-large`, before as after decompression."""
    budget_bytes: Annotated[int, Field(ge=1)] = 256 * MIB
    """All bodies in memory at a time, together; never less than two of the largest."""
    max_redirects: Annotated[int, Field(ge=0)] = 10
    """Redirects in a row before `too-many-redirects`."""
    allow_networks: tuple[str, ...] = ()
    """Networks that would be refused (private, loopback, ...) and are wanted: `["127.0.0.0/8"]`."""
    proxy: str | None = None
    """`http://user:password@host:port`; the address guard cannot see behind it."""
    cookies: bool = False
    """Keep cookies for the length of a run."""
    verify_tls: bool = True
    """Check certificates."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with every request."""

    @field_validator("allow_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(network, strict=False)) for network in networks)

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, proxy: str | None) -> str | None:
        if proxy is not None and not proxy.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        return proxy

    @field_validator("headers")
    @classmethod
    def _one_line_each(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            _header_text(name + value)
        return headers

    @model_validator(mode="after")
    def _two_of_the_largest_bodies_fit(self) -> FetchConfig:
        if self.budget_bytes < 2 * self.max_body_bytes:
            raise ValueError(f"budget_bytes should be at least twice max_body_bytes: {2 * self.max_body_bytes:_}")
        return self


class OffloadConfig(_Table):
    """Where the CPU work goes."""

    executor: Literal["process", "thread", "inline"] = "process"
    """Where parsing, hashing and decompression run."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Worker processes; 0: one for each core this process may use."""
    inline_below_bytes: Annotated[int, Field(ge=0)] = 2048
    """Bodies cheaper to parse than to hand over stay on the loop."""
    batch: Annotated[int, Field(ge=1, le=256)] = 16
    """Pages handed over together at most, while all workers are busy."""
    page_cpu_s: Annotated[float, Field(gt=0)] = 10.0
    """CPU seconds one page may cost before its worker is ended and the page is `parse-timeout`."""


class FrontierConfig(_Table):
    """What to visit next, and what is already known."""

    kind: Literal["sqlite", "memory"] = "sqlite"
    """Where the queue lives. `memory` forgets everything with the process."""
    durability: Literal["process", "power"] = "process"
    """What a settled page survives: the end of the process (kill -9), or a power cut too (slower)."""


class SinkConfig(_Table):
    """Where records go; one table for each output."""

    kind: Literal["jsonl"] = "jsonl"
    """The format: one JSON object a line."""
    path: str = "pages.jsonl"
    """File name inside the crawl folder."""
    links: bool = False
    """Write the list of all links of each page."""
    text: bool = False
    """Write the readable text of each page."""
    headers: bool = False
    """Write the answer's header fields."""

    @field_validator("path")
    @classmethod
    def _stands_in_the_folder(cls, path: str) -> str:
        if Path(path).name != path or path in OWN_FILES or not path.isprintable() or path.startswith("."):
            raise ValueError("should be a plain file name, and none of the crawl's own files")
        return path


class Config(_Table):
    """All settings of a crawl, checked; immutable. `config/default.toml` shows them with their defaults."""

    user_agent: str = ""
    """How we introduce ourselves; empty: the project's name and version."""
    contact: str = ""
    """A mail address or URL where a site's owner reaches you; becomes part of the User-Agent."""
    scope: ScopeConfig = ScopeConfig()
    politeness: PolitenessConfig = PolitenessConfig()
    fetch: FetchConfig = FetchConfig()
    offload: OffloadConfig = OffloadConfig()
    frontier: FrontierConfig = FrontierConfig()
    sinks: tuple[SinkConfig, ...] = (SinkConfig(),)
    """Where records go."""

    @field_validator("user_agent", "contact")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return _header_text(text)

    @field_validator("sinks")
    @classmethod
    def _a_file_each(cls, sinks: tuple[SinkConfig, ...]) -> tuple[SinkConfig, ...]:
        if len({sink.path for sink in sinks}) < len(sinks):
            raise ValueError("two sinks should not write the same file")
        return sinks


def _header_text(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("should be printable ASCII on one line: it is sent in a header field")
    return text


class Change(NamedTuple):
    """One setting that is not what it was when the crawl began."""

    key: str
    old: object
    new: object
    applies: bool


def load(
    path: Path | None = None, environ: Mapping[str, str] = _NOTHING, settings: Mapping[str, object] = _NOTHING
) -> Config:
    """Defaults, overlaid by the TOML file, the environment and `settings`, in this order.

    Settings go by their full name (`politeness.delay_s`) or their last word alone (`delay_s`). Raises one ConfigError
    that names everything unknown, mistyped or out of bounds.
    """
    return trace(path, environ, settings)[0]


def trace(
    path: Path | None = None,
    environ: Mapping[str, str] = _NOTHING,
    settings: Mapping[str, object] = _NOTHING,
    origin: str = "settings",
) -> tuple[Config, dict[str, str]]:
    """What `load` gives, and for each setting the file, the variable or the `origin` it came from."""
    given = {**_from_file(path), **_from_environment(environ), **_from_settings(settings, origin)}
    return _build(given), {key: given[key].origin if key in given else "default" for key in fields()}


def amend(config: Config, settings: Mapping[str, object]) -> Config:
    """`config` with some settings changed. Raises ConfigError."""
    kept = {key: _Given(value, "config") for key, value in explicit(config).items()}
    return _build(kept | _from_settings(settings, "settings"))


def explicit(config: Config) -> dict[str, object]:
    """The settings that somebody chose, by full name: those not left at their default."""
    return {key: value_of(config, key) for key in fields() if leaf(key) in _holder(config, key).model_fields_set}


def differences(old: Config, new: Config) -> list[Change]:
    """What `new` chose otherwise than `old` has it."""
    pairs = ((key, value_of(old, key), value) for key, value in explicit(new).items())
    return [Change(key, before, value, key not in FIXED) for key, before, value in pairs if value != before]


def effective_user_agent(config: Config) -> str:
    """What is sent as User-Agent: the user's own or the project's, with the contact."""
    name = config.user_agent or f"crawld/{project_version()}"
    return name if not config.contact or config.contact in name else f"{name} (+{config.contact})"


def project_version() -> str:
    """The installed version of this project."""
    try:
        return version("crawld")
    except PackageNotFoundError:
        return "0"


@cache
def fields() -> Mapping[str, FieldInfo]:
    """Every setting by its full name, in the order of the model; the sinks are one."""
    found: dict[str, FieldInfo] = {}
    for name, info in Config.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, _Table):
            found |= {f"{name}.{leaf}": inner for leaf, inner in info.annotation.model_fields.items()}
        else:
            found[name] = info
    return found


def value_of(config: Config, key: str) -> object:
    """One setting, by its full name."""
    value: object = getattr(_holder(config, key), leaf(key))
    return value


class _Given(NamedTuple):
    value: object
    origin: str


def _from_file(path: Path | None) -> dict[str, _Given]:
    if path is None:
        return {}
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, or not TOML: the message tells the line
        raise ConfigError(f"{path}: not a TOML file: {error}") from error
    return {key: _Given(value, str(path)) for key, value in _flat(data)}


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    names = {name: _full(name[len(PREFIX) :].lower().replace("__", ".")) for name in environ if name.startswith(PREFIX)}
    return {key: _Given(_typed(key, environ[name]), f"{name} in the environment") for name, key in names.items()}


def _from_settings(settings: Mapping[str, object], origin: str) -> dict[str, _Given]:
    named = {_full(name.replace("-", "_")): value for name, value in _flat(settings)}
    return {key: _Given(_typed(key, value), origin) for key, value in named.items()}


def _flat(data: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in data.items():
        if isinstance(value, Mapping) and name in _tables():
            yield from ((f"{name}.{leaf}", inner) for leaf, inner in value.items())
        else:
            yield name, value


def _full(name: str) -> str:
    """The full name of a setting; a name that is none comes back as it is, to be refused with all the others."""
    return next((key for key in fields() if name in (key, leaf(key))), name)


def _typed(key: str, value: object) -> object:
    """Text from a command line or the environment, made ready: lists and tables are TOML, pydantic reads the rest."""
    if not isinstance(value, str) or key not in fields():
        return value
    annotation = fields()[key].annotation
    if type(None) in get_args(annotation) and value.lower() in ("", "none"):
        return None
    if get_origin(annotation) not in (tuple, dict):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"] if value[:1] in ("[", "{") else (value,)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{key}: {value!r} is not a TOML value: {error}") from error


def _build(given: Mapping[str, _Given]) -> Config:
    nested: dict[str, Any] = {}
    for key, (value, _) in given.items():
        table, _, leaf = key.rpartition(".")
        holder = nested.setdefault(table, {}) if table else nested
        if isinstance(holder, dict):  # else the file says `scope = 3`, which is refused below
            holder[leaf] = value
    try:
        return Config.model_validate(nested)
    except ValidationError as error:
        raise ConfigError("\n".join(_complaint(one, given) for one in error.errors())) from None


def _complaint(error: ErrorDetails, given: Mapping[str, _Given]) -> str:
    where = [str(part) for part in error["loc"]]
    key = next((key for key in (".".join(where[:2]), where[0]) if key in given), where[0])
    origin = ", ".join(dict.fromkeys(one.origin for name, one in given.items() if (name + ".").startswith(key + ".")))
    place = f"[{where[0]}] {'.'.join(where[1:])}".strip() if where[0] in _tables() else ".".join(where)
    if error["type"] == "extra_forbidden":
        return f"{origin}: {place}: no such setting{_nearest(where)}"
    value = f" = {error['input']!r}" if not isinstance(error["input"], dict) else ""
    message = error["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{origin}: {place}{value}: {'should be a table' if error['type'] == 'model_type' else message}"


def _nearest(where: list[str]) -> str:
    names = {leaf(key): key for key in fields()} | {table: f"[{table}]" for table in _tables()}
    if where[0] == "sinks":
        names = {name: name for name in SinkConfig.model_fields}
    close = get_close_matches(where[-1].rpartition(".")[2], names, 1)
    return f"; did you mean {names[close[0]]}?" if close else "; `crawl config show` lists all there are"


def _tables() -> set[str]:
    return {key.partition(".")[0] for key in fields() if "." in key}


def leaf(key: str) -> str:
    """The last word of a setting's full name."""
    return key.rpartition(".")[2]


def _holder(config: Config, key: str) -> BaseModel:
    table, _, _ = key.rpartition(".")
    return getattr(config, table) if table else config
