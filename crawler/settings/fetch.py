"""Declares the settings of one exchange over the network."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from ..urls import is_address
from .sites import SECRET_FIELDS
from .table import (
    ForJobs,
    ForJobsAtLeast,
    ForJobsAtMost,
    Kind,
    Live,
    Secret,
    Shared,
    Size,
    Table,
    check_proxy,
    header_fields,
    header_text,
)

MIB = 1 << 20
_NAME_SERVER = re.compile(r"(?:\[([0-9A-Fa-f:]+)\]|([0-9.]+))(?::([0-9]{1,5}))?|([0-9A-Fa-f:.]+)")
"""Matches IPv6 in brackets or IPv4, with a port perhaps; or any address without a port."""


class FetchConfig(Table):
    """Limits and options of one exchange over the network."""

    fetcher_kind: Kind = "http"
    """The part that makes exchanges: `http`, or one around it that an installed package adds (docs/plugins.md)."""
    fetcher_options: Secret[dict[str, JsonValue]] = Field(default_factory=dict)
    """Settings of a fetcher that a package adds."""
    archives: tuple[str, ...] = ()
    """Archives to answer from instead of the network: WARC and WACZ files, and folders that hold some (docs/replay.md).
    Then no site rests between requests."""
    concurrency: Live[ForJobsAtMost[Annotated[int, Field(ge=1, le=20000)]]] = 256
    """Most visits under way at a time, over all sites."""
    timeout_s: ForJobsAtMost[Annotated[float, Field(gt=0)]] = 30.0
    """Time limit of one exchange as a whole, from connecting to the last byte."""
    connect_timeout_s: ForJobsAtMost[Annotated[float, Field(gt=0)]] = 10.0
    """Time limit for connecting: name look-up, TCP and TLS."""
    min_bytes_per_s: ForJobsAtLeast[Annotated[float, Field(ge=0)]] = 64.0
    """Least average speed of an answer that has begun, else it ends as `too-slow`; 0: no least speed."""
    slow_after_s: ForJobsAtMost[Annotated[float, Field(gt=0)]] = 10.0
    """Longest time that an answer may be slower than that, from its first byte on."""
    bytes_per_s: Live[ForJobsAtMost[Annotated[Size, Field(ge=1)] | None]] = None
    """Most bytes a second to receive over all sites, heads included: 500_000, or "500K", "2M". Servers are made to
    wait. None: as fast as they come. In a daemon, the owner's number counts for all jobs together."""
    max_body_bytes: Shared[ForJobsAtMost[Annotated[int, Field(ge=1)]]] = 16 * MIB
    """Largest body. Larger ones end as `too-large`, measured before and after decompression."""
    oversized: ForJobs[Literal["discard", "keep"]] = "discard"
    """Treatment of a body that is too large: `discard` drops it; `keep` reads as much as fits, and the record says
    `truncated`."""
    budget_bytes: Shared[Annotated[int, Field(ge=1)]] = 96 * MIB
    """Memory for all bodies at a time, together; never less than two of the largest."""
    max_redirects: Live[ForJobsAtMost[Annotated[int, Field(ge=0)]]] = 10
    """Most redirects in a row; one more ends as `too-many-redirects`."""
    allow_networks: ForJobs[tuple[str, ...]] = ()
    """Networks to allow that are refused otherwise (private, loopback, ...): `["127.0.0.0/8"]`."""
    name_servers: tuple[str, ...] = ()
    """Addresses of name servers to ask instead of the system's: `["9.9.9.9", "127.0.0.1:5353", "[::1]:53"]`."""
    proxy: Secret[str | None] = None
    """A proxy: `http://user:password@host:port`, or `socks5://...` with the extra `socks`. The guard of addresses
    cannot see behind it."""
    proxies: Secret[tuple[str, ...]] = ()
    """Several proxies, instead of one in `proxy`. Each site keeps to one of them; while that one cannot be connected
    to, its sites use others."""
    no_proxy: tuple[str, ...] = ()
    """Hosts to reach without the proxy: host names with all below them, networks, or `*`."""
    cookies: ForJobs[bool] = False
    """Keep cookies for the length of a run, separately for each site (RFC 6265bis)."""
    cookie_file: str = ""
    """A file that keeps the cookies, secrets too, for the next run: `cookies.txt` is one in the crawl folder. Needs
    `cookies`."""
    verify_tls: ForJobs[bool] = True
    """Check the certificates of sites."""
    ca_file: str = ""
    """A PEM file of certificate authorities to trust beside the system's."""
    accept_language: ForJobs[str] = ""
    """Languages to ask for, best first: `de, en;q=0.5` (RFC 9110 12.5.4)."""
    headers: Secret[ForJobs[dict[str, str]]] = Field(default_factory=dict)
    """Header fields sent with every request to every site; secret ones belong into `sites`."""

    @field_validator("allow_networks")
    @classmethod
    def _normalize_networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(network, strict=False)) for network in networks)

    @field_validator("name_servers")
    @classmethod
    def _check_addresses(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        for server in servers:
            _check_name_server(server)
        return servers

    @field_validator("proxy")
    @classmethod
    def _check_proxy(cls, proxy: str | None) -> str | None:
        return check_proxy(proxy)

    @field_validator("proxies")
    @classmethod
    def _check_proxies(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            check_proxy(proxy)
        if len(set(proxies)) < len(proxies):
            raise ValueError("should name each proxy once")
        return proxies

    @field_validator("headers")
    @classmethod
    def _refuse_secrets(cls, headers: dict[str, str]) -> dict[str, str]:
        if secret := next((name for name in headers if name.lower() in SECRET_FIELDS), None):
            raise ValueError(f"{secret} would be sent to every site: set it for one site in [sites]")
        return header_fields(headers)

    @field_validator("accept_language")
    @classmethod
    def _check_text(cls, text: str) -> str:
        return header_text(text)

    @model_validator(mode="after")
    def _check_proxy_beside(self) -> FetchConfig:
        if self.proxy and self.proxies:
            raise ValueError("should have one of proxy and proxies")
        return self

    @model_validator(mode="after")
    def _fit_budget(self) -> FetchConfig:
        # A budget that nobody set follows the bodies. This goes around `frozen`, before anyone has the model.
        if "budget_bytes" not in self.model_fields_set:
            self.__dict__["budget_bytes"] = max(self.budget_bytes, 2 * self.max_body_bytes)
        if self.budget_bytes < 2 * self.max_body_bytes:
            raise ValueError(f"budget_bytes should be at least twice max_body_bytes: {2 * self.max_body_bytes:_}")
        return self


def _check_name_server(text: str) -> None:
    found = _NAME_SERVER.fullmatch(text)
    if not (found and is_address(found[1] or found[2] or found[4]) and 0 < int(found[3] or 53) < 65536):
        raise ValueError(f"{text!r} should be an address like 9.9.9.9, with a port perhaps: 127.0.0.1:5353, [::1]:53")
