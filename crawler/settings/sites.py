"""Declares the settings for single sites, and reads the names by which sites are chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from ..errors import UrlError
from ..urls import parse
from .table import ForJobs, ForJobsAtLeast, ForJobsAtMost, Size, Table, check_proxy, header_fields, header_text

SECRET_FIELDS = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Header fields that are sent to one site alone."""
DIRECT = "direct"
"""The proxy of a site that is reached without one."""
_NAME = re.compile(r"(?:(https?)://)?([^/?#@\s]+?)(?::([0-9]{1,5}))?/?", re.IGNORECASE)
_STAND_IN = "q0z"
"""Stands for `*` while the other letters of a host are read."""


class SiteConfig(Table):
    """Settings for one site, one host, or many of them. The name says which: `https://example.org` is one site,
    `example.org` all sites of that host, `*.example.org` all hosts below it. docs/sites.md tells which name wins."""

    delay_s: ForJobsAtLeast[Annotated[float, Field(ge=0)] | None] = None
    """Rest between an answer and the next request, instead of `politeness.delay_s`; a larger Crawl-delay wins."""
    per_site: ForJobsAtMost[Annotated[int, Field(ge=1)] | None] = None
    """Most requests at a time, instead of `politeness.per_site`."""
    limit: ForJobsAtMost[Annotated[int, Field(ge=1)] | None] = None
    """Fetch this many pages of each of these sites, instead of `scope.limit_per_site`. Read when a crawl is opened."""
    bytes_per_s: ForJobsAtMost[Annotated[Size, Field(ge=1)] | None] = None
    """Most bytes a second from each of these sites: 500_000, or "500K", "2M"."""
    headers: ForJobs[dict[str, str]] = Field(default_factory=dict)
    """Header fields sent with every request. An empty value drops a field that would be sent otherwise."""
    proxy: str | None = None
    """The proxy to go through, instead of `fetch.proxies`; `direct`: none."""
    basic_auth: ForJobs[str] = ""
    """`user:password`, sent as Basic authentication (RFC 7617). For one site only, as the next three."""
    bearer: ForJobs[str] = ""
    """A token, sent as Bearer authentication (RFC 6750)."""
    client_cert: str = ""
    """A PEM file with the certificate to show to this site when it asks for one."""
    client_key: str = ""
    """A PEM file with the private key of the certificate, unencrypted; empty: the key is in `client_cert`."""

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        return header_fields(headers)

    @field_validator("proxy")
    @classmethod
    def _check_proxy(cls, proxy: str | None) -> str | None:
        return proxy if proxy == DIRECT else check_proxy(proxy)

    @field_validator("bearer")
    @classmethod
    def _check_text(cls, text: str) -> str:
        return header_text(text)

    @model_validator(mode="after")
    def _check_credentials(self) -> SiteConfig:
        said = [self.basic_auth, self.bearer, *(name for name in self.headers if name.lower() == "authorization")]
        if sum(map(bool, said)) > 1:
            raise ValueError("should have one of basic_auth, bearer and an Authorization header")
        if self.basic_auth and ":" not in self.basic_auth:
            raise ValueError("basic_auth should be user:password")
        if self.client_key and not self.client_cert:
            raise ValueError("client_key needs a client_cert beside it")
        return self

    @property
    def secrets(self) -> list[str]:
        """The names of its settings that may be sent to one site alone."""
        chosen = [name for name in ("basic_auth", "bearer", "client_cert") if getattr(self, name)]
        return chosen + [f"headers.{name}" for name in self.headers if name.lower() in SECRET_FIELDS]


def may_hold_secrets(site: object) -> bool:
    """Whether a table of settings for sites, read or not yet read, holds a value that is never shown."""
    said = dict(site) if isinstance(site, SiteConfig | Mapping) else {}
    return any(said.get(name) for name in ("headers", "basic_auth", "bearer")) or "@" in str(said.get("proxy"))


class SiteName(NamedTuple):
    """The name of a table of settings: which sites it is for."""

    kind: Literal["site", "host", "glob"]
    text: str
    """The name in its canonical spelling: `https://example.org`, `example.org:8080`, `*.example.org`."""


def read_site_name(text: str) -> SiteName:
    """Returns the name in its canonical spelling. Raises ValueError."""
    found = _NAME.fullmatch(text.strip())
    if not found or (found[2].startswith("[") and not found[2].endswith("]")):
        raise ValueError(f"{text!r} should be a site like https://example.org, a host, or a pattern like *.example.org")
    scheme, host, port = (found[1] or "").lower(), found[2], found[3]
    if any("*" in label and not label.isascii() for label in host.split(".")):
        raise ValueError(f"{text!r}: a part with * should be of ASCII letters")
    try:
        url = parse(f"{scheme or 'http'}://{host.replace('*', _STAND_IN)}{f':{port}' if port else ''}/")
    except UrlError as error:
        raise ValueError(f"{text!r} should be a site, a host, or a pattern like *.example.org: {error}") from error
    site = url.site.replace(_STAND_IN, "*")
    authority = site.partition("://")[2]
    if port == "80" and not scheme:
        authority += ":80"  # the parser drops the port that its scheme has anyway
    name = site if scheme else authority
    return SiteName("glob" if "*" in name else "site" if scheme else "host", name)


def check_sites(sites: dict[str, SiteConfig]) -> dict[str, SiteConfig]:
    """Returns the tables by the canonical spelling of their names. Raises ValueError."""
    checked: dict[str, SiteConfig] = {}
    for text, site in sites.items():
        kind, name = read_site_name(text)
        if name in checked:
            raise ValueError(f"{text!r} is there twice, in two spellings: {name}")
        if kind != "site" and site.secrets:
            raise ValueError(
                f"{text!r}: {site.secrets[0]} is sent to one site alone: name it with its scheme, as https://example.org"
            )
        checked[name] = site
    return checked
