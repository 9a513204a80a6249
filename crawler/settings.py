"""Every setting with its meaning, its default and its bounds: the models and nothing else."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .canonical import TRACKING
from .errors import UrlError
from .urls import parse

MIB = 1 << 20
LinkKind: TypeAlias = Literal[
    "anchors", "frames", "refresh", "pagination", "canonical", "alternates", "feeds",
    "images", "media", "styles", "scripts", "forms",
]  # fmt: skip
SECRETS = frozenset({"fetch.proxy", "fetch.headers", "fetch.sites"})
"""Settings that may hold passwords and tokens: never shown, and kept in files that their owner alone can read."""
_SECRET_FIELDS = frozenset({"authorization", "proxy-authorization", "cookie"})
OWN_FILES = frozenset({"crawl.toml", "crawl.log", "lock", "bad-seeds.txt", "frontier.sqlite"})
"""What stands in a crawl folder beside the sinks' files."""


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: Any) -> object:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("should not be true or false")
        return value


class ScopeConfig(Table):
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
    follow: tuple[LinkKind, ...] = ("anchors", "frames", "refresh", "pagination")
    """Kinds of links that are followed, in pages and in Link headers: anchors (a, area), frames (frame, iframe),
    refresh, pagination (rel next, prev), canonical, alternates (translations, other formats), feeds, images, media
    (video, audio, embed, object), styles, scripts, forms (that ask for a page). Sitemaps and feeds always lead to what
    they list."""
    nofollow: Literal["ignore", "pages", "links"] = "pages"
    """Whose `nofollow` counts: nobody's; that of pages (robots meta, X-Robots-Tag); that of single links (rel) too."""
    sitemaps: bool = False
    """Visit the sitemaps that robots.txt names; what they list is as near as the seed."""


class UrlsConfig(Table):
    """Which spellings of a URL count as one: what is folded is fetched once."""

    strip_params: tuple[str, ...] = TRACKING
    """Query parameters that are dropped, in any case; `*` stands for anything, `?` for one character."""
    strip_session_ids: bool = True
    """Drop session ids: `;jsessionid=`, PHPSESSID and their like, `/(S(...))/`, and `sid` where it looks like one."""
    sort_params: bool = False
    """Order query parameters by name; to some servers their order means something."""

    @field_validator("strip_params")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"[!-~]+", name) or set(name) & set("&=#"):
                raise ValueError(f"{name!r} should be a parameter's name, or a pattern of names")
        return names


class PolitenessConfig(Table):
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
    robots_ttl_s: Annotated[float, Field(gt=0, le=86400)] = 86400.0
    """How long a robots.txt stays fresh (RFC 9309 2.4: at most a day)."""
    revisit_after_s: Annotated[float, Field(ge=0)] | None = None
    """Visit pages again, this much later: the least wait, which grows while a page does not change and shrinks when it
    does. None: each page is visited once."""
    revisit_at_most_s: Annotated[float, Field(ge=0)] = 30 * 86400.0
    """The longest wait for a revisit; never less than revisit_after_s."""

    @model_validator(mode="after")
    def _an_address_serves_at_least_one_site_in_full(self) -> PolitenessConfig:
        self.__dict__["per_ip"] = max(self.per_ip, self.per_site)  # past `frozen`, before anyone has seen it
        return self


class SiteConfig(Table):
    """What one site alone is told: it never reaches another, wherever links and redirects lead."""

    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with every request to this site."""
    basic_auth: str = ""
    """`user:password`, sent as Basic authentication (RFC 7617)."""
    bearer: str = ""
    """A token, sent as Bearer authentication (RFC 6750)."""
    client_cert: str = ""
    """A PEM file with the certificate we show to this site when it asks for one."""
    client_key: str = ""
    """A PEM file with its private key, unencrypted; empty: it stands in `client_cert`."""

    @field_validator("headers")
    @classmethod
    def _one_line_each(cls, headers: dict[str, str]) -> dict[str, str]:
        return _header_fields(headers)

    @field_validator("bearer")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return _header_text(text)

    @model_validator(mode="after")
    def _says_who_we_are_once(self) -> SiteConfig:
        said = [self.basic_auth, self.bearer, *(name for name in self.headers if name.lower() == "authorization")]
        if sum(map(bool, said)) > 1:
            raise ValueError("should have one of basic_auth, bearer and an Authorization header")
        if self.basic_auth and ":" not in self.basic_auth:
            raise ValueError("basic_auth should be user:password")
        if self.client_key and not self.client_cert:
            raise ValueError("client_key should stand beside a client_cert")
        return self


class FetchConfig(Table):
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
    """`http://user:password@host:port`, or `socks5://...` with the extra `socks`; the guard cannot see behind it."""
    no_proxy: tuple[str, ...] = ()
    """Reached without the proxy: host names with all below them, networks, or `*`."""
    cookies: bool = False
    """Keep cookies for the length of a run, each site's for itself (RFC 6265bis)."""
    verify_tls: bool = True
    """Check certificates."""
    ca_file: str = ""
    """A PEM file of authorities to trust beside the system's."""
    accept_language: str = ""
    """Languages to ask for, best first: `de, en;q=0.5` (RFC 9110 12.5.4)."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with every request to every site; what is secret belongs into `sites`."""
    sites: dict[str, SiteConfig] = Field(default_factory=dict)
    """Tables by site, `[fetch.sites."https://example.org"]`, with any of headers, basic_auth, bearer, client_cert,
    client_key: what that scheme, host and port alone is told."""

    @field_validator("allow_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(network, strict=False)) for network in networks)

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, proxy: str | None) -> str | None:
        if proxy is not None and not proxy.startswith(("http://", "https://", "socks4://", "socks5://", "socks5h://")):
            raise ValueError("should begin with http://, https://, socks5:// or socks4://")
        return proxy

    @field_validator("headers")
    @classmethod
    def _for_all_to_read(cls, headers: dict[str, str]) -> dict[str, str]:
        if secret := next((name for name in headers if name.lower() in _SECRET_FIELDS), None):
            raise ValueError(f"{secret} would go to every site: name the one it is for in [fetch.sites]")
        return _header_fields(headers)

    @field_validator("accept_language")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return _header_text(text)

    @field_validator("sites")
    @classmethod
    def _by_site(cls, sites: dict[str, SiteConfig]) -> dict[str, SiteConfig]:
        return {_site(text): site for text, site in sites.items()}

    @model_validator(mode="after")
    def _two_of_the_largest_bodies_fit(self) -> FetchConfig:
        if self.budget_bytes < 2 * self.max_body_bytes:
            raise ValueError(f"budget_bytes should be at least twice max_body_bytes: {2 * self.max_body_bytes:_}")
        return self


class OffloadConfig(Table):
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


class FrontierConfig(Table):
    """What to visit next, and what is already known."""

    kind: Literal["sqlite", "memory"] = "sqlite"
    """Where the queue lives. `memory` forgets everything with the process."""
    durability: Literal["process", "power"] = "process"
    """What a settled page survives: the end of the process (kill -9), or a power cut too (slower)."""


class SinkConfig(Table):
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


class Config(Table):
    """All settings of a crawl, checked; immutable. `config/default.toml` shows them with their defaults."""

    user_agent: str = ""
    """How we introduce ourselves; empty: the project's name and version."""
    contact: str = ""
    """A mail address or URL where a site's owner reaches you; becomes part of the User-Agent."""
    scope: ScopeConfig = ScopeConfig()
    urls: UrlsConfig = UrlsConfig()
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


def _site(text: str) -> str:
    try:
        url = parse(text)
    except UrlError as error:
        raise ValueError(f"{text!r} should be a site like https://example.org: {error}") from error
    if url.path != "/":
        raise ValueError(f"{text!r} should be a site without a path: {url.site}")
    return url.site


def _header_fields(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        _header_text(name + value)
    return headers


def _header_text(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("should be printable ASCII on one line: it is sent in a header field")
    return text
